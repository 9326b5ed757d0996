//! What a user keeps in their personas: for reading.

use axum::response::Response;
use futures_util::try_join;
use maud::{Markup, html};
use roster_proto::persona::v1::{
    Annotation, ListUserAnnotationsRequest, ListUserAnnotationsResponse, ListUserOntologiesRequest,
    ListUserOntologiesResponse, ListUserPersonasRequest, ListUserPersonasResponse, Ontology,
    Persona,
};
use serde::Deserialize;

use super::{
    super::{
        edge::Edge,
        form::{Id, Query},
        link,
        stop::Stop,
        ui::{self, Column, Icon, Page, Pages, Tab, Tone},
        visit::Admin,
    },
    edit, find, heading, path,
};

/// How many lines of each list a page shows.
const LINES: i32 = 25;

/// How much of a long text is shown, in characters.
const MOST_TEXT: usize = 200;

/// Where each of the three lists goes on.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Lists {
    personas: String,
    ontologies: String,
    annotations: String,
}

/// What is shown of a user.
struct Kept {
    personas: ListUserPersonasResponse,
    ontologies: ListUserOntologiesResponse,
    annotations: ListUserAnnotationsResponse,
}

pub async fn show(
    edge: Edge,
    Admin { visit, .. }: Admin,
    Id(user_id): Id,
    Query(lists): Query<Lists>,
) -> Result<Response, Stop> {
    let user = find(&edge, &user_id).await?;
    let kept = read(&edge, &user_id, &lists).await?;
    let at = |list: &str, token: &str| {
        link::with_query(&format!("{}/data", path(&user_id)), &[(list, token)])
    };
    let pages = |list: &str, shown: usize, here: &str, next: &str| Pages {
        shown: format!("{} shown: {shown}", ui::kind(list)),
        first: (!here.is_empty()).then(|| at(list, "")),
        next: (!next.is_empty()).then(|| at(list, next)),
    };
    let title = format!("Data of {}", user.username);
    Ok(Page::new(&visit, &title).tab(Tab::Users).body(html! {
        (heading(&user, "Review data", (&path(&user_id), &user.username)))
        div.actions {
            (edit::export(&user_id))
            (ui::link_button(&format!("{}/transfer", path(&user_id)), "Transfer personas")
                .icon(Icon::Swap))
        }
        (section("Personas", kept.personas.personas.is_empty(), &personas(&kept.personas.personas),
            &pages("personas", kept.personas.personas.len(), &lists.personas,
                &kept.personas.next_page_token)))
        (section("Ontologies", kept.ontologies.ontologies.is_empty(),
            &ontologies(&kept.ontologies.ontologies),
            &pages("ontologies", kept.ontologies.ontologies.len(), &lists.ontologies,
                &kept.ontologies.next_page_token)))
        (section("Annotations", kept.annotations.annotations.is_empty(),
            &annotations(&kept.annotations.annotations),
            &pages("annotations", kept.annotations.annotations.len(), &lists.annotations,
                &kept.annotations.next_page_token)))
    }))
}

async fn read(edge: &Edge, user_id: &str, lists: &Lists) -> Result<Kept, Stop> {
    let (mut for_personas, mut for_ontologies, mut for_annotations) =
        (edge.all_personas(), edge.all_personas(), edge.all_personas());
    let user_id = || user_id.to_owned();
    let personas = for_personas.list_user_personas(edge.call(ListUserPersonasRequest {
        user_id: user_id(),
        page_size: LINES,
        page_token: lists.personas.clone(),
    }));
    let ontologies = for_ontologies.list_user_ontologies(edge.call(ListUserOntologiesRequest {
        user_id: user_id(),
        page_size: LINES,
        page_token: lists.ontologies.clone(),
    }));
    let annotations =
        for_annotations.list_user_annotations(edge.call(ListUserAnnotationsRequest {
            user_id: user_id(),
            page_size: LINES,
            page_token: lists.annotations.clone(),
            ..ListUserAnnotationsRequest::default()
        }));
    let (personas, ontologies, annotations) = try_join!(personas, ontologies, annotations)?;
    Ok(Kept {
        personas: personas.into_inner(),
        ontologies: ontologies.into_inner(),
        annotations: annotations.into_inner(),
    })
}

fn section(title: &str, is_empty: bool, table: &Markup, pages: &Pages) -> Markup {
    html! {
        section.card.flush {
            header { h2 { (title) } }
            @if is_empty {
                (ui::empty(Icon::Info, "Nothing here", "The user keeps nothing of this kind.", None))
            } @else {
                div.scroll { (table) }
                (pages)
            }
        }
    }
}

fn personas(personas: &[Persona]) -> Markup {
    html! {
        table.cards {
            (ui::columns(&[
                Column::new("Name"),
                Column::new("Role"),
                Column::new("Information need"),
                Column::new("Changed"),
            ]))
            tbody {
                @for persona in personas {
                    tr {
                        th scope="row" {
                            span.names {
                                bdi { (persona.name()) } " "
                                @if persona.hidden() { (ui::badge(Tone::Plain, "Hidden")) }
                                @if persona.is_system_generated() { (ui::badge(Tone::Plain, "System")) }
                            }
                        }
                        (ui::cell("Role", &text(persona.role())))
                        (ui::long_cell("Information need", &text(persona.information_need())))
                        (ui::time_cell("Changed", persona.update_time, "Not known"))
                    }
                }
            }
        }
    }
}

fn ontologies(ontologies: &[Ontology]) -> Markup {
    let number =
        |column, count: usize| ui::number_cell(column, &ui::count(i64::try_from(count).ok()));
    html! {
        table.cards {
            (ui::columns(&[
                Column::new("Persona"),
                Column::number("Entity types"),
                Column::number("Event types"),
                Column::number("Role types"),
                Column::number("Relation types"),
                Column::new("Changed"),
            ]))
            tbody {
                @for ontology in ontologies {
                    tr {
                        th scope="row" { code { (ontology.persona_id) } }
                        (number("Entity types", ontology.entity_types.len()))
                        (number("Event types", ontology.event_types.len()))
                        (number("Role types", ontology.role_types.len()))
                        (number("Relation types", ontology.relation_types.len()))
                        (ui::time_cell("Changed", ontology.update_time, "Never changed"))
                    }
                }
            }
        }
    }
}

fn annotations(annotations: &[Annotation]) -> Markup {
    html! {
        table.cards {
            (ui::columns(&[
                Column::new("Video"),
                Column::new("Type"),
                Column::new("Label"),
                Column::number("Frames"),
                Column::number("Confidence"),
                Column::new("Source"),
                Column::new("Changed"),
            ]))
            tbody {
                @for annotation in annotations {
                    tr {
                        th scope="row" { (text(annotation.video_id())) }
                        (ui::cell("Type", &text(annotation.r#type())))
                        (ui::cell("Label", &text(annotation.label())))
                        (ui::number_cell("Frames",
                            &ui::count(i64::try_from(annotation.frames.len()).ok())))
                        (ui::number_cell("Confidence", &confidence(annotation.confidence)))
                        (ui::cell("Source", &text(annotation.source())))
                        (ui::time_cell("Changed", annotation.update_time, "Not known"))
                    }
                }
            }
        }
    }
}

fn text(text: &str) -> Markup {
    html! {
        @if text.is_empty() { span.unset aria-hidden="true" { "–" } }
        @else { (ui::clipped(text, MOST_TEXT)) }
    }
}

fn confidence(confidence: Option<f64>) -> Markup {
    html! {
        @match confidence {
            Some(confidence) => (format!("{:.0} %", confidence * 100.0)),
            None => span.unset title="Nobody said" { "–" },
        }
    }
}
