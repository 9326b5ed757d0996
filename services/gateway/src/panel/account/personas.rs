//! One's own personas.

mod edit;
mod list;
mod remove;

use axum::{Router, extract::DefaultBodyLimit, routing::get};
use maud::{Markup, html};
use roster_proto::persona::v1::{GetPersonaRequest, Persona};

use super::super::{
    Panel,
    edge::Edge,
    form::Label,
    stop::Stop,
    ui::{self, Tone},
};

const PATH: &str = "/account/personas";

const LABELS: &[Label] = &[
    ("persona.name", "Name"),
    ("persona.role", "Role"),
    ("persona.information_need", "Information need"),
    ("persona.details", "Details"),
];

/// The longest form: the texts of a persona in any script, each byte written with
/// three letters.
const MOST_FORM_BYTES: usize = 256 * 1024;

pub fn router() -> Router<Panel> {
    Router::new()
        .route(PATH, get(list::show))
        .route("/account/personas/new", get(edit::begin).post(edit::create))
        .route("/account/personas/{id}", get(edit::show).post(edit::save))
        .route("/account/personas/{id}/delete", get(remove::ask).post(remove::delete))
        .layer(DefaultBodyLimit::max(MOST_FORM_BYTES))
}

async fn find(edge: &Edge, persona_id: &str) -> Result<Persona, Stop> {
    let request = GetPersonaRequest { persona_id: persona_id.to_owned() };
    let persona = edge.personas().get_persona(edge.call(request)).await?.into_inner().persona;
    persona.ok_or(Stop::Missing)
}

/// The page of a persona.
fn path(persona_id: &str) -> String {
    format!("{PATH}/{persona_id}")
}

/// What is special about a persona.
fn badges(persona: &Persona) -> Markup {
    html! {
        @if persona.hidden() { (ui::badge(Tone::Plain, "Hidden")) }
        @if persona.is_system_generated() { (ui::badge(Tone::Accent, "System-generated")) }
    }
}
