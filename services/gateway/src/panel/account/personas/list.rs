//! The list of one's personas, hidden ones included.

use axum::response::Response;
use maud::{Markup, html};
use roster_proto::persona::v1::{ListPersonasRequest, ListPersonasResponse, Persona};
use serde::Deserialize;

use super::{
    super::super::{
        edge::Edge,
        form::Query,
        link,
        stop::Stop,
        ui::{self, Column, Icon, Page, Pages, Tab},
        visit::SignedIn,
    },
    PATH, badges, path,
};

/// How much of what a persona needs to know the list shows.
const MOST_LETTERS: usize = 140;

/// Which part of the list is asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct List {
    page: String,
}

pub async fn show(
    edge: Edge,
    SignedIn { visit, .. }: SignedIn,
    Query(List { page }): Query<List>,
) -> Result<Response, Stop> {
    let request =
        ListPersonasRequest { include_hidden: true, page_size: 0, page_token: page.clone() };
    let answer = edge.personas().list_personas(edge.call(request)).await?.into_inner();
    Ok(Page::new(&visit, "My personas").tab(Tab::Personas).medium().body(html! {
        div.heading {
            div {
                h1 { "Personas" }
                p.sub { "The points of view that you work from." }
            }
            div.actions {
                (ui::link_button("/account/personas/new", "Create persona").primary()
                    .icon(Icon::Plus))
            }
        }
        section.card.flush aria-label="Personas" { (content(&answer, &page)) }
    }))
}

fn content(answer: &ListPersonasResponse, page: &str) -> Markup {
    if answer.personas.is_empty() && page.is_empty() {
        let text = "A persona says who is asking, and what they need to know. Ontologies and \
                    annotations belong to one.";
        return ui::empty(Icon::Eye, "No personas yet", text, None);
    }
    let next = &answer.next_page_token;
    let pages = Pages {
        shown: match answer.personas.len() {
            1 => "1 persona on this page".to_owned(),
            count => format!("{count} personas on this page"),
        },
        first: (!page.is_empty()).then(|| PATH.to_owned()),
        next: (!next.is_empty()).then(|| link::with_query(PATH, &[("page", next)])),
    };
    html! {
        div.scroll {
            table.cards {
                (ui::columns(&[
                    Column::new("Persona"),
                    Column::new("Information need"),
                    Column::new("Created"),
                    Column::actions(),
                ]))
                tbody { @for persona in &answer.personas { (row(persona)) } }
            }
        }
        (pages)
    }
}

fn row(persona: &Persona) -> Markup {
    let page = path(&persona.persona_id);
    let need = html! {
        @if persona.information_need().is_empty() {
            span.unset title="None" { span aria-hidden="true" { "–" } span.hidden { "none" } }
        } @else {
            (ui::clipped(persona.information_need(), MOST_LETTERS))
        }
    };
    html! {
        tr {
            th scope="row" {
                div.who {
                    span.names { a href=(page) { (persona.name()) } (badges(persona)) }
                    span.sub { (persona.role()) }
                }
            }
            (ui::cell("Information need", &need))
            (ui::time_cell("Created", persona.create_time, "Not known"))
            td.actions {
                (ui::link_button(&page, "Edit").icon_only(Icon::Pencil, persona.name()))
                (ui::link_button(&format!("{page}/delete"), "Delete").danger()
                    .icon_only(Icon::Bin, persona.name()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_persona_is_called_stays_text_and_what_is_special_is_said() {
        let hostile = Some("<script>alert(1)</script>".to_owned());
        let persona = Persona {
            name: hostile.clone(),
            role: hostile.clone(),
            information_need: hostile,
            hidden: Some(true),
            is_system_generated: Some(true),
            ..Persona::default()
        };
        let html = row(&persona).into_string();
        assert!(!html.contains("<script>") && html.matches("&lt;script").count() >= 5, "{html}");
        assert!(html.contains("Hidden") && html.contains("System-generated"), "{html}");
    }

    #[test]
    fn a_last_page_that_became_empty_leads_to_the_first() {
        let html = content(&ListPersonasResponse::default(), "T").into_string();
        assert!(html.contains("First page"), "{html}");
    }
}
