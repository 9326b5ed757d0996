//! The list of active sessions.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use roster_proto::{
    identity::v1::User, session::v1::SessionAdminServiceListSessionsResponse as Sessions,
};
use serde::Deserialize;

use super::{
    super::{
        edge::Edge,
        form::{Errors, Query},
        stop::Stop,
        ui::{self, Icon, Page, Pages, Tab},
        visit::Admin,
    },
    Filter, LABELS, PATH, search, table, user_of,
};

/// Which part of the list is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct List {
    q: String,
    user: String,
    ip_address: String,
    page: String,
}

pub async fn show(edge: Edge, admin: Admin, Query(list): Query<List>) -> Result<Response, Stop> {
    let List { q, user, ip_address, page } = list;
    let filter = Filter { user, ip_address };
    if !q.trim().is_empty() {
        return search::show(&edge, &admin, &filter, q.trim()).await;
    }
    match edge.all_sessions().list_sessions(edge.call(filter.list(&page))).await {
        Ok(answer) => {
            let user = user_of(&edge, &filter).await?;
            let content = content(&edge, &filter, &page, &answer.into_inner());
            Ok(frame(&admin, &filter, user.as_ref(), &Errors::default(), &content))
        }
        Err(status) => {
            let errors = Errors::of_call(status, LABELS)?;
            Ok(frame(&admin, &filter, None, &errors, &html! {}))
        }
    }
}

fn frame(
    admin: &Admin,
    filter: &Filter,
    user: Option<&User>,
    errors: &Errors,
    content: &Markup,
) -> Response {
    let status = if errors.is_empty() { StatusCode::OK } else { errors.status() };
    Page::new(&admin.visit, "Sessions").tab(Tab::Sessions).status(status).body(html! {
        (ui::summary(errors, PATH))
        (heading(filter, user))
        (filters(filter, "", errors))
        @if errors.is_empty() { section.card.flush aria-label="Sessions" { (content) } }
    })
}

fn heading(filter: &Filter, user: Option<&User>) -> Markup {
    let revoke = filter.at("/admin/sessions/revoke", &[]);
    let label = if filter.is_all() { "Sign everybody out" } else { "Revoke all sessions" };
    html! {
        @if !filter.is_all() { a.back href=(PATH) { (ui::icon(Icon::Left)) "All sessions" } }
        div.heading {
            div {
                @if let Some(user) = user {
                    h1 { "Sessions of " (user.username) }
                    p.sub {
                        bdi { (user.display_name) } " · "
                        a href={ "/admin/users/" (user.user_id) } { "Edit user" }
                    }
                } @else if !filter.user.is_empty() {
                    h1 { "Sessions of a user" }
                    p.sub { "There is no such user any more: " code { (filter.user) } }
                } @else {
                    h1 { "Sessions" }
                    p.sub { "Who is signed in, with what, and from where. Newest first." }
                }
            }
            div.actions { (ui::link_button(&revoke, label).danger().icon(Icon::Out)) }
        }
    }
}

/// The form that narrows the list. A user who has been found stays.
pub fn filters(filter: &Filter, q: &str, errors: &Errors) -> Markup {
    let invalid = errors.of("ip_address").map(|_| "true");
    html! {
        form.filters action=(PATH) role="search" {
            @if !filter.user.is_empty() { (ui::hidden("user", &filter.user)) }
            div.field.search.short {
                label for="f-q" { "User" }
                input id="f-q" name="q" type="search" value=(q) autocomplete="off"
                    placeholder="Username, display name or email";
            }
            div.field.address {
                label for="f-ip_address" { "Address" }
                input id="f-ip_address" name="ip_address" type="text" value=(filter.ip_address)
                    autocomplete="off" spellcheck="false" placeholder="192.0.2.7"
                    aria-invalid=[invalid];
            }
            div.actions {
                (ui::submit("Find sessions").icon(Icon::Search))
                @if !filter.is_all() { (ui::link_button(PATH, "Clear").quiet()) }
            }
        }
    }
}

fn content(edge: &Edge, filter: &Filter, page: &str, answer: &Sessions) -> Markup {
    if answer.sessions.is_empty() {
        let all = html! { (ui::link_button(PATH, "Show all sessions")) };
        let text = if filter.user.is_empty() {
            "Nobody is signed in from there. A session ends when it is revoked, or by itself."
        } else {
            "The user is not signed in anywhere. The next sign-in opens a session."
        };
        return ui::empty(Icon::Device, "No active sessions", text, Some(&all));
    }
    let next = &answer.next_page_token;
    let pages = Pages {
        shown: match answer.sessions.len() {
            1 => "1 session on this page".to_owned(),
            count => format!("{count} sessions on this page"),
        },
        first: (!page.is_empty()).then(|| filter.at(PATH, &[])),
        next: (!next.is_empty()).then(|| filter.at(PATH, &[("page", next)])),
    };
    let fields = [("user", filter.user.as_str()), ("ip_address", &filter.ip_address)];
    html! {
        (table(edge, &answer.sessions, PATH, &fields, true))
        (pages)
    }
}
