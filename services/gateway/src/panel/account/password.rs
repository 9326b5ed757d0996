//! Changing one's own password.

use axum::{Extension, Router, response::Response, routing::get};
use http::{StatusCode, header};
use maud::{Markup, html};
use roster_proto::identity::v1::{ChangePasswordRequest, User};
use serde::Deserialize;

use super::super::{
    Panel,
    edge::Edge,
    form::{Errors, Form, is_checked},
    link,
    notice::Notice,
    password::{self, LABELS, Spaces},
    stop::Stop,
    ui::{self, Checkbox, Field, Page, Tab},
    visit::SignedIn,
};
use crate::web::cookie::SessionCookie;

const PATH: &str = "/account/password";

pub fn router() -> Router<Panel> {
    Router::new().route(PATH, get(show).post(change))
}

/// What is sent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    current_password: String,
    new_password: String,
    revoke_sessions: Option<String>,
    spaces: Spaces,
    request_id: String,
}

async fn show(edge: Edge, who: SignedIn) -> Response {
    let fields = Fields { request_id: edge.request_id(), ..Fields::default() };
    page(&edge, &who, &fields, &Errors::default()).await
}

async fn change(
    edge: Edge,
    who: SignedIn,
    Extension(cookie): Extension<SessionCookie>,
    Form(fields): Form<Fields>,
) -> Result<Response, Stop> {
    if let Some(errors) = fields.spaces.question("new_password", &fields.new_password) {
        return Ok(page(&edge, &who, &fields, &errors).await);
    }
    let revoke_sessions = is_checked(fields.revoke_sessions.as_ref());
    let request = ChangePasswordRequest {
        current_password: fields.current_password.clone(),
        new_password: fields.new_password.clone(),
        revoke_sessions,
        request_id: fields.request_id.clone(),
    };
    match edge.account().change_password(edge.call(request)).await {
        Ok(_) if revoke_sessions => Ok(signed_out(cookie)),
        Ok(_) => Ok(link::see_other(&Notice::PASSWORD_CHANGED.on(PATH))),
        Err(status) => {
            let errors = Errors::of_call(status, LABELS)?;
            Ok(page(&edge, &who, &fields, &errors).await)
        }
    }
}

/// This session has ended with the others.
fn signed_out(cookie: SessionCookie) -> Response {
    let mut response = link::see_other(&Notice::SIGN_IN_AGAIN.on("/sign-in"));
    response.headers_mut().extend(cookie.forget().map(|value| (header::SET_COOKIE, value)));
    response
}

async fn page(
    edge: &Edge,
    SignedIn { visit, user }: &SignedIn,
    fields: &Fields,
    errors: &Errors,
) -> Response {
    let hint = password::hint(edge).await;
    let status = if errors.is_empty() { StatusCode::OK } else { errors.status() };
    Page::new(visit, "Password").tab(Tab::Password).medium().status(status).body(html! {
        div.heading {
            div {
                h1 { "Password" }
                p.sub { "A long one that you use nowhere else; a password manager remembers it." }
            }
        }
        (ui::summary(errors, PATH))
        (form(user, fields, &hint, errors))
    })
}

fn form(user: &User, fields: &Fields, hint: &str, errors: &Errors) -> Markup {
    // Waiting for a confirmation takes the very same words; nothing else does.
    let kept = |typed| if errors.pending || !errors.fields.is_empty() { typed } else { "" };
    html! {
        form.card.fields method="post" action=(PATH) novalidate {
            (ui::hidden("request_id", &fields.request_id))
            // Password managers want to know whose it is.
            input name="username" type="text" value=(user.username) autocomplete="username"
                readonly hidden;
            (Field::password("current_password", "Current password", "current-password")
                .value(kept(&fields.current_password)).required().errors(errors))
            (password::new("new_password", "New password", kept(&fields.new_password), hint, errors)
                .required())
            (fields.spaces.answer(errors))
            (Checkbox::new("revoke_sessions", "End all my sessions",
                    is_checked(fields.revoke_sessions.as_ref()))
                .hint("Signs you out everywhere, here as well. Recommended if somebody else may \
                    know your password; otherwise your sessions remain valid."))
            div.actions { (ui::submit("Change password").primary()) }
        }
    }
}
