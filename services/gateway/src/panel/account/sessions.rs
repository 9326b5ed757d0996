//! One's own sessions.

use axum::{
    Router,
    response::Response,
    routing::{get, post},
};
use maud::html;
use roster_proto::session::v1::{ListSessionsRequest, RevokeSessionRequest};
use serde::Deserialize;

use super::super::{
    Panel,
    edge::Edge,
    form::{Form, Id, Query},
    link, sessions,
    sessions::Revocation,
    stop::Stop,
    ui::{Page, Pages, Tab},
    visit::SignedIn,
};

const PATH: &str = "/account/sessions";

pub fn router() -> Router<Panel> {
    Router::new().route(PATH, get(show)).route("/account/sessions/{id}/revoke", post(revoke))
}

/// Which part of the list is asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
struct List {
    page: String,
}

async fn show(
    edge: Edge,
    SignedIn { visit, .. }: SignedIn,
    Query(List { page }): Query<List>,
) -> Result<Response, Stop> {
    let request = ListSessionsRequest { page_size: 0, page_token: page.clone() };
    let answer = edge.sessions().list_sessions(edge.call(request)).await?.into_inner();
    let next = &answer.next_page_token;
    let pages = Pages {
        shown: match answer.sessions.len() {
            1 => "1 session on this page".to_owned(),
            count => format!("{count} sessions on this page"),
        },
        first: (!page.is_empty()).then(|| PATH.to_owned()),
        next: (!next.is_empty()).then(|| link::with_query(PATH, &[("page", next)])),
    };
    Ok(Page::new(&visit, "My sessions").tab(Tab::OwnSessions).medium().body(html! {
        div.heading {
            div {
                h1 { "Sessions" }
                p.sub {
                    "Where you are signed in. One that you do not know? Revoke it, and "
                    a href="/account/password" { "change your password" } "."
                }
            }
        }
        section.card.flush aria-label="Sessions" {
            (sessions::table(&edge, &answer.sessions, PATH, &[], false))
            (pages)
        }
    }))
}

async fn revoke(
    edge: Edge,
    _: SignedIn,
    Id(session_id): Id,
    Form(Revocation { request_id, .. }): Form<Revocation>,
) -> Result<Response, Stop> {
    let request = RevokeSessionRequest { session_id, request_id };
    sessions::revoked(edge.sessions().revoke_session(edge.call(request)).await, PATH)
}
