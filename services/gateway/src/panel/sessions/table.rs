//! A table of sessions: those of everybody, or one's own.

use maud::{Markup, html};
use roster_proto::session::v1::Session;
use serde::Deserialize;
use tonic::{Code, Status};

use super::device;
use crate::panel::{
    edge::Edge,
    link,
    notice::Notice,
    stop::Stop,
    ui::{self, Column, Icon, Tone},
};

/// How much the list shows of what a client calls itself: more than browsers say,
/// and no more than keeps a page of fifty short.
const MOST_LETTERS: usize = 200;

/// What is sent to end one session.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Revocation {
    /// A name for the request.
    pub request_id: String,
    /// Whose sessions were looked at.
    pub user: String,
    /// Sessions from which address were looked at.
    pub ip_address: String,
}

/// Sessions, each with a button that ends it. `path` is where that is asked for,
/// and `fields` goes along. Administrators see whose they are.
pub fn table(
    edge: &Edge,
    sessions: &[Session],
    path: &str,
    fields: &[(&str, &str)],
    whose: bool,
) -> Markup {
    let mut columns = vec![
        Column::new("Device"),
        Column::new("Address"),
        Column::new("Last seen"),
        Column::new("Signed in"),
        Column::new("Expires"),
        Column::actions(),
    ];
    if whose {
        columns.insert(0, Column::new("User"));
    }
    html! {
        div.scroll {
            table.cards {
                (ui::columns(&columns))
                tbody {
                    @for session in sessions {
                        tr {
                            @if whose {
                                th scope="row" { (owner(session)) }
                                (ui::cell("Device", &used(session)))
                            } @else {
                                th scope="row" { (used(session)) }
                            }
                            (ui::cell("Address", &address(session)))
                            (ui::time_cell("Last seen", session.last_seen_time, "Not seen yet"))
                            (ui::time_cell("Signed in", session.create_time, "Not known"))
                            (ui::time_cell("Expires", session.expire_time, "Not known"))
                            td.actions { (revoke(edge, session, path, fields)) }
                        }
                    }
                }
            }
        }
    }
}

/// The page to go on to when a session has been ended, or had been before.
pub fn revoked<T>(answer: Result<T, Status>, to: &str) -> Result<axum::response::Response, Stop> {
    let notice = match answer {
        Ok(_) => Notice::SESSION_REVOKED,
        Err(status) if status.code() == Code::NotFound => Notice::SESSION_OVER,
        Err(status) => return Err(status.into()),
    };
    Ok(link::see_other(&notice.on(to)))
}

fn owner(session: &Session) -> Markup {
    let sessions = link::with_query(super::PATH, &[("user", &session.user_id)]);
    html! {
        div.who {
            @if let Some(username) = &session.username {
                span.names {
                    a href=(sessions) { (username) }
                    @if session.is_current { (current()) }
                }
                span.sub { (session.display_name()) }
            } @else {
                span.names {
                    a href=(sessions) { "Name not known" }
                    @if session.is_current { (current()) }
                }
                span.sub { code { (session.user_id) } }
            }
        }
    }
}

/// The device, and behind it what the client really said.
fn used(session: &Session) -> Markup {
    let words = device::in_words(&session.user_agent);
    let own = session.username.is_none() && session.is_current;
    html! {
        @if session.user_agent.is_empty() {
            (words)
        } @else {
            details.device {
                summary { (words) }
                code { (ui::clipped(&session.user_agent, MOST_LETTERS)) }
            }
        }
        @if own { " " (current()) }
    }
}

fn current() -> Markup {
    ui::badge(Tone::Good, "This session")
}

fn address(session: &Session) -> Markup {
    html! {
        @if session.ip_address.is_empty() {
            span.unset title="Not known" {
                span aria-hidden="true" { "–" } span.hidden { "not known" }
            }
        } @else {
            span.mono.ip { (session.ip_address) }
        }
    }
}

fn revoke(edge: &Edge, session: &Session, path: &str, fields: &[(&str, &str)]) -> Markup {
    let device = device::in_words(&session.user_agent);
    let of = match &session.username {
        Some(username) => format!("{username}: {device}"),
        None => device.clone(),
    };
    let question = if session.is_current {
        "Revoke the session that you are using? You will be signed out.".to_owned()
    } else {
        format!("Revoke this session? Whoever uses it ({device}) has to sign in again.")
    };
    html! {
        form method="post" action={ (path) "/" (session.session_id) "/revoke" }
            data-confirm=(question) data-yes="Revoke" {
            (ui::hidden("request_id", &edge.request_id()))
            @for (name, value) in fields {
                @if !value.is_empty() { (ui::hidden(name, value)) }
            }
            (ui::submit("Revoke").quiet().icon(Icon::Out).of(&of))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        let hostile = "<img src=x onerror=alert(1)>".to_owned();
        Session {
            user_agent: hostile.clone(),
            username: Some(hostile.clone()),
            display_name: Some(hostile),
            ..Session::default()
        }
    }

    #[test]
    fn what_clients_and_users_call_themselves_stays_text() {
        let html = owner(&session()).into_string() + &used(&session()).into_string();
        assert_eq!((html.matches("<img").count(), html.matches("&lt;img").count()), (0, 3));
    }

    #[test]
    fn the_session_in_use_is_marked() {
        let in_use = Session { is_current: true, ..session() };
        assert!(owner(&in_use).into_string().contains("This session"));
        assert!(!used(&in_use).into_string().contains("This session"));
        let own = Session { username: None, ..in_use };
        assert!(used(&own).into_string().contains("This session"));
    }

    #[test]
    fn a_session_whose_user_is_not_known_is_shown() {
        let nameless = Session { user_id: "7".to_owned(), username: None, ..Session::default() };
        assert!(owner(&nameless).into_string().contains("Name not known"));
        assert!(address(&nameless).into_string().contains("not known"));
    }
}
