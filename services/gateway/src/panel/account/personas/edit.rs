//! Creating a persona, and changing one.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use roster_proto::persona::v1::{CreatePersonaRequest, Persona, UpdatePersonaRequest};
use serde::Deserialize;
use tonic::Status;

use super::{
    super::super::{
        edge::Edge,
        form::{Errors, Form, Id, is_checked},
        link,
        notice::Notice,
        stop::Stop,
        ui::{self, Checkbox, Field, Icon, Page, Tab},
        visit::SignedIn,
    },
    LABELS, PATH, badges, find, path,
};

/// What is sent.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    name: String,
    role: String,
    information_need: String,
    details: String,
    hidden: Option<String>,
    etag: String,
    request_id: String,
}

impl Fields {
    fn of(persona: &Persona, request_id: String) -> Self {
        Self {
            name: persona.name().to_owned(),
            role: persona.role().to_owned(),
            information_need: persona.information_need().to_owned(),
            details: persona.details().to_owned(),
            hidden: persona.hidden().then(|| "on".to_owned()),
            etag: persona.etag.clone(),
            request_id,
        }
    }

    fn persona(&self) -> Persona {
        Persona {
            name: Some(self.name.clone()),
            role: Some(self.role.clone()),
            information_need: Some(as_stored(&self.information_need)),
            details: Some(as_stored(&self.details)),
            hidden: Some(is_checked(self.hidden.as_ref())),
            ..Persona::default()
        }
    }
}

/// Browsers send line breaks of two characters, whatever a text had: a form that
/// nothing was changed in changes nothing.
fn as_stored(text: &str) -> String {
    text.replace("\r\n", "\n")
}

pub async fn begin(edge: Edge, who: SignedIn) -> Response {
    let fields = Fields { request_id: edge.request_id(), ..Fields::default() };
    page(&who, None, &fields, &Errors::default())
}

pub async fn create(
    edge: Edge,
    who: SignedIn,
    Form(fields): Form<Fields>,
) -> Result<Response, Stop> {
    let request = CreatePersonaRequest {
        persona: Some(fields.persona()),
        request_id: fields.request_id.clone(),
    };
    match edge.personas().create_persona(edge.call(request)).await {
        Ok(_) => Ok(link::see_other(&Notice::PERSONA_CREATED.on(PATH))),
        Err(status) => Ok(page(&who, None, &fields, &errors(status)?)),
    }
}

pub async fn show(edge: Edge, who: SignedIn, Id(id): Id) -> Result<Response, Stop> {
    let persona = find(&edge, &id).await?;
    let fields = Fields::of(&persona, edge.request_id());
    Ok(page(&who, Some(&persona), &fields, &Errors::default()))
}

pub async fn save(
    edge: Edge,
    who: SignedIn,
    Id(id): Id,
    Form(fields): Form<Fields>,
) -> Result<Response, Stop> {
    let request = UpdatePersonaRequest {
        persona_id: id.clone(),
        persona: Some(fields.persona()),
        update_mask: None,
        etag: fields.etag.clone(),
        request_id: fields.request_id.clone(),
    };
    match edge.personas().update_persona(edge.call(request)).await {
        Ok(_) => Ok(link::see_other(&Notice::PERSONA_SAVED.on(PATH))),
        Err(status) => {
            let errors = errors(status)?;
            let persona = find(&edge, &id).await?;
            Ok(page(&who, Some(&persona), &fields, &errors))
        }
    }
}

/// The contract names a field by where it stands in the request; the form knows
/// one persona only.
fn errors(status: Status) -> Result<Errors, Stop> {
    let mut errors = Errors::of_call(status, LABELS)?;
    for error in &mut errors.fields {
        error.field = error.field.trim_start_matches("persona.");
    }
    Ok(errors)
}

/// The form, for a new persona where there is none yet.
fn page(
    SignedIn { visit, .. }: &SignedIn,
    persona: Option<&Persona>,
    fields: &Fields,
    errors: &Errors,
) -> Response {
    let status = if errors.is_empty() { StatusCode::OK } else { errors.status() };
    let title = if persona.is_some() { "Edit persona" } else { "Create persona" };
    let to = persona.map_or(format!("{PATH}/new"), |persona| path(&persona.persona_id));
    Page::new(visit, title).tab(Tab::Personas).medium().status(status).body(html! {
        a.back href=(PATH) { (ui::icon(Icon::Left)) "All personas" }
        div.heading {
            div {
                @match persona {
                    Some(persona) => h1 { bdi { (persona.name()) } (badges(persona)) },
                    None => h1 { (title) },
                }
            }
        }
        (ui::summary(errors, &to))
        (form(persona, &to, fields, errors))
    })
}

fn form(persona: Option<&Persona>, to: &str, fields: &Fields, errors: &Errors) -> Markup {
    let label = if persona.is_some() { "Save" } else { "Create" };
    html! {
        form.card.fields method="post" action=(to) novalidate {
            (ui::hidden("request_id", &fields.request_id))
            @if persona.is_some() { (ui::hidden("etag", &fields.etag)) }
            (Field::text("name", "Name").value(&fields.name).required().errors(errors))
            (Field::text("role", "Role").value(&fields.role)
                .hint("What they do, such as Wildlife ecologist.").errors(errors))
            (Field::lines("information_need", "Information need", 3)
                .value(&fields.information_need)
                .hint("What they need to find out. Up to 2,000 characters.").errors(errors))
            (Field::lines("details", "Details", 6).value(&fields.details)
                .hint("Whatever else is worth knowing. Up to 10,000 characters.").errors(errors))
            (Checkbox::new("hidden", "Hidden", is_checked(fields.hidden.as_ref()))
                .hint("Left out of lists unless asked for. This page always shows it."))
            div.actions {
                (ui::submit(label).primary())
                (ui::link_button(PATH, "Cancel").quiet())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_nothing_was_changed_in_changes_nothing() {
        let stored = Persona {
            name: Some("Ecologist".to_owned()),
            role: Some(String::new()),
            information_need: Some("\nWhere?\nWhen?".to_owned()),
            details: Some(String::new()),
            hidden: Some(true),
            ..Persona::default()
        };
        let mut fields = Fields::of(&stored, String::new());
        fields.information_need = fields.information_need.replace('\n', "\r\n");
        assert_eq!(fields.persona(), stored);
        // A line break at the beginning of a field is dropped by whoever reads it.
        let html = form(Some(&stored), "/x", &fields, &Errors::default()).into_string();
        assert!(html.contains(">\n\r\nWhere?"), "{html}");
    }
}
