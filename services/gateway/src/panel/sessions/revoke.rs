//! Ending sessions: one, or all that match.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use roster_proto::session::v1::{RevokeSessionsRequest, SessionAdminServiceRevokeSessionRequest};
use serde::Deserialize;

use super::{
    super::{
        edge::Edge,
        form::{Errors, Form, Id, Query, is_checked},
        link,
        notice::Notice,
        stop::Stop,
        ui::{self, Checkbox, Icon, Page, Tab},
        visit::Admin,
    },
    Filter, LABELS, PATH, Revocation, revoked, user_of,
};

/// Which sessions are meant, and what is sent to end them.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    user: String,
    ip_address: String,
    include_current: Option<String>,
    request_id: String,
}

impl Fields {
    fn filter(&self) -> Filter {
        Filter { user: self.user.clone(), ip_address: self.ip_address.clone() }
    }
}

pub async fn revoke_one(
    edge: Edge,
    _: Admin,
    Id(session_id): Id,
    Form(sent): Form<Revocation>,
) -> Result<Response, Stop> {
    let filter = Filter { user: sent.user, ip_address: sent.ip_address };
    let request =
        SessionAdminServiceRevokeSessionRequest { session_id, request_id: sent.request_id };
    let answer = edge.all_sessions().revoke_session(edge.call(request)).await;
    revoked(answer, &filter.at(PATH, &[]))
}

pub async fn ask(edge: Edge, admin: Admin, Query(fields): Query<Fields>) -> Result<Response, Stop> {
    let fields = Fields { request_id: edge.request_id(), ..fields };
    page(&edge, &admin, &fields, &Errors::default()).await
}

pub async fn revoke_all(
    edge: Edge,
    admin: Admin,
    Form(fields): Form<Fields>,
) -> Result<Response, Stop> {
    let filter = fields.filter();
    let request = RevokeSessionsRequest {
        include_current: is_checked(fields.include_current.as_ref()),
        request_id: fields.request_id.clone(),
        ..filter.revoke()
    };
    match edge.all_sessions().revoke_sessions(edge.call(request)).await {
        Ok(_) => Ok(link::see_other(&Notice::SESSIONS_REVOKED.on(&filter.at(PATH, &[])))),
        Err(status) => {
            let errors = Errors::of_call(status, LABELS)?;
            page(&edge, &admin, &fields, &errors).await
        }
    }
}

async fn page(
    edge: &Edge,
    admin: &Admin,
    fields: &Fields,
    errors: &Errors,
) -> Result<Response, Stop> {
    let filter = fields.filter();
    let user = user_of(edge, &filter).await?;
    let count = RevokeSessionsRequest { validate_only: true, ..filter.revoke() };
    let count = edge.all_sessions().revoke_sessions(edge.call(count)).await?;
    let whose = match &user {
        Some(user) => format!("of {}", user.username),
        None if filter.user.is_empty() => "of all users".to_owned(),
        None => "of a user who has been deleted".to_owned(),
    };
    let own = filter.may_match(admin);
    let status = if errors.is_empty() { StatusCode::OK } else { errors.status() };
    let page = Page::new(&admin.visit, "Revoke sessions").tab(Tab::Sessions).medium();
    Ok(page.status(status).body(html! {
        a.back href=(filter.at(PATH, &[])) { (ui::icon(Icon::Left)) "Back to the list" }
        div.heading { div { h1 { "Revoke all sessions " (whose) } } }
        (ui::summary(errors, &filter.at("/admin/sessions/revoke", &[])))
        section.card { (form(&filter, fields, count.get_ref().revoked_count, own)) }
    }))
}

fn form(filter: &Filter, fields: &Fields, count: i64, own: bool) -> Markup {
    let back = filter.at(PATH, &[]);
    let left = if own { ", not counting the one that you are using" } else { "" };
    html! {
        p.large {
            strong { (counted(count)) }
            @if !filter.ip_address.is_empty() {
                " from the address " span.mono { (filter.ip_address) }
            }
            (if count == 1 { " ends now" } else { " end now" }) (left) "."
        }
        p.soft {
            "Whoever uses one of them has to sign in again, from their next request on. Nothing is \
            deleted, and no password changes: who knows the password can sign in again."
        }
        form.fields method="post" action="/admin/sessions/revoke" {
            (ui::hidden("request_id", &fields.request_id))
            (ui::hidden("user", &filter.user))
            (ui::hidden("ip_address", &filter.ip_address))
            @if own {
                (Checkbox::new("include_current", "End my current session, too",
                        is_checked(fields.include_current.as_ref()))
                    .hint("You will have to sign in again at once."))
            }
            div.actions {
                (ui::submit("Revoke all sessions").danger().icon(Icon::Out))
                (ui::link_button(&back, "Cancel").quiet())
            }
        }
    }
}

fn counted(count: i64) -> String {
    if count == 1 { "1 session".to_owned() } else { format!("{} sessions", ui::grouped(count)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_how_many_sessions_end() {
        let html =
            |count, own| form(&Filter::default(), &Fields::default(), count, own).into_string();
        assert!(html(1, false).contains("<strong>1 session</strong> ends now."));
        assert!(html(1_200, true).contains("1\u{202f}200 sessions</strong> end now, not counting"));
        assert!(html(3, true).contains("include_current"));
        assert!(!html(3, false).contains("include_current"));
    }
}
