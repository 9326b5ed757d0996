//! Deleting a persona, after saying what goes with it.

use axum::response::Response;
use maud::html;
use roster_proto::persona::v1::{DeletePersonaRequest, ListAnnotationsRequest, Persona};
use serde::Deserialize;

use super::{
    super::super::{
        edge::Edge,
        form::{Errors, Form, Id},
        link,
        notice::Notice,
        stop::Stop,
        ui::{self, Icon, Page, Tab},
        visit::SignedIn,
    },
    LABELS, PATH, find, path,
};

/// Up to so many annotations are counted, in one call.
const MOST: i32 = 200;

/// What is sent.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    etag: String,
    request_id: String,
}

pub async fn ask(edge: Edge, who: SignedIn, Id(id): Id) -> Result<Response, Stop> {
    let persona = find(&edge, &id).await?;
    let request_id = edge.request_id();
    page(&edge, &who, &persona, &request_id, &Errors::default()).await
}

pub async fn delete(
    edge: Edge,
    who: SignedIn,
    Id(id): Id,
    Form(Fields { etag, request_id }): Form<Fields>,
) -> Result<Response, Stop> {
    let request =
        DeletePersonaRequest { persona_id: id.clone(), etag, request_id: request_id.clone() };
    match edge.personas().delete_persona(edge.call(request)).await {
        Ok(_) => Ok(link::see_other(&Notice::PERSONA_DELETED.on(PATH))),
        Err(status) => {
            let errors = Errors::of_call(status, LABELS)?;
            let persona = find(&edge, &id).await?;
            page(&edge, &who, &persona, &request_id, &errors).await
        }
    }
}

/// How many annotations belong to a persona, as far as one page goes.
async fn annotations(edge: &Edge, persona_id: &str) -> Result<String, Stop> {
    let request = ListAnnotationsRequest {
        persona_id: persona_id.to_owned(),
        page_size: MOST,
        ..ListAnnotationsRequest::default()
    };
    let answer = edge.annotations().list_annotations(edge.call(request)).await?.into_inner();
    Ok(counted(answer.annotations.len(), !answer.next_page_token.is_empty()))
}

fn counted(count: usize, more: bool) -> String {
    match (count, more) {
        (_, true) => format!("more than {count} annotations"),
        (0, _) => "no annotations".to_owned(),
        (1, _) => "1 annotation".to_owned(),
        _ => format!("{count} annotations"),
    }
}

async fn page(
    edge: &Edge,
    SignedIn { visit, .. }: &SignedIn,
    persona: &Persona,
    request_id: &str,
    errors: &Errors,
) -> Result<Response, Stop> {
    let annotations = annotations(edge, &persona.persona_id).await?;
    let to = format!("{}/delete", path(&persona.persona_id));
    let page = Page::new(visit, "Delete persona").tab(Tab::Personas).medium();
    Ok(page.status(errors.status()).body(html! {
        a.back href=(PATH) { (ui::icon(Icon::Left)) "All personas" }
        div.heading { div { h1 { "Delete " bdi { (persona.name()) } "?" } } }
        (ui::summary(errors, &to))
        section.card {
            p { "Its ontology is deleted with it, and so are its annotations: there are "
                strong { (annotations) } ". This cannot be undone." }
            form method="post" action=(to) {
                (ui::hidden("request_id", request_id))
                (ui::hidden("etag", &persona.etag))
                div.actions {
                    (ui::submit("Delete").danger().icon(Icon::Bin))
                    (ui::link_button(PATH, "Cancel").quiet())
                }
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_are_counted_as_far_as_a_page_goes() {
        assert_eq!(counted(0, false), "no annotations");
        assert_eq!(counted(1, false), "1 annotation");
        assert_eq!(counted(200, true), "more than 200 annotations");
    }
}
