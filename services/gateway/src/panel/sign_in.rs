//! Signing in and out.

use axum::{
    Extension, Router,
    response::Response,
    routing::{get, post},
};
use http::{StatusCode, header};
use maud::{Markup, html};
use roster_proto::{
    identity::v1::GetSettingsRequest,
    session::v1::{LoginRequest, LoginResponse, LogoutRequest},
};
use serde::Deserialize;
use tonic::{Code, Status};

use super::{
    Panel,
    edge::Edge,
    form::{self, Errors, Form, Label, Query},
    link,
    notice::Notice,
    stop::{self, Stop},
    ui::{self, Checkbox, Field, Page},
    visit::Visit,
};
use crate::web::{cookie::SessionCookie, sign_in};

const LABELS: &[Label] = &[("username", "Username"), ("password", "Password")];

/// What is sent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    username: String,
    password: String,
    remember_me: Option<String>,
    to: String,
}

/// Where to go on.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Target {
    to: String,
}

/// The ways in and out.
pub fn router() -> Router<Panel> {
    Router::new().route("/sign-in", get(show).post(sign_in)).route("/sign-out", post(sign_out))
}

async fn show(edge: Edge, visit: Visit, Query(Target { to }): Query<Target>) -> Response {
    if visit.user.is_some() {
        return link::see_other(link::target_of(&to));
    }
    let fields = Fields { to, ..Fields::default() };
    page(&edge, &visit, &fields, &Errors::default()).await
}

async fn sign_in(
    edge: Edge,
    visit: Visit,
    Extension(cookie): Extension<SessionCookie>,
    Form(fields): Form<Fields>,
) -> Result<Response, Stop> {
    let request = LoginRequest {
        username: fields.username.clone(),
        password: fields.password.clone(),
        remember_me: form::is_checked(fields.remember_me.as_ref()),
    };
    match edge.sessions().login(edge.call(request)).await {
        Ok(answer) => signed_in(&edge, cookie, &answer.into_inner(), &fields.to),
        Err(status) => {
            let errors = errors(status)?;
            Ok(page(&edge, &visit, &fields, &errors).await)
        }
    }
}

fn signed_in(
    edge: &Edge,
    cookie: SessionCookie,
    answer: &LoginResponse,
    to: &str,
) -> Result<Response, Stop> {
    let broken = || Stop::from(Status::internal("The session has no end"));
    let cookie = sign_in::signed_in(cookie, answer, edge.now()).ok_or_else(broken)?;
    let to = link::target_of(to);
    let mut response = if answer.password_change_required {
        link::see_other(&link::with_target("/change-password", to))
    } else {
        link::see_other(to)
    };
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Which of the two was wrong is not known here either.
fn errors(status: Status) -> Result<Errors, Stop> {
    if status.code() == Code::Unauthenticated {
        return Ok(Errors::of_form(StatusCode::UNAUTHORIZED, status.message()));
    }
    if stop::reason(&status).as_deref() == Some("USER_DISABLED") {
        let text = "This account is disabled. Ask an administrator to enable it.";
        return Ok(Errors::of_form(StatusCode::FORBIDDEN, text));
    }
    Errors::of_call(status, LABELS)
}

/// Whether people can make an account. Who cannot find out is not told so on this
/// page: it is for something else.
async fn is_registration_open(edge: &Edge) -> bool {
    let settings = edge.account().get_settings(edge.call(GetSettingsRequest {})).await;
    settings.is_ok_and(|answer| answer.into_inner().allow_registration)
}

async fn page(edge: &Edge, visit: &Visit, fields: &Fields, errors: &Errors) -> Response {
    let open = is_registration_open(edge).await;
    let status = if errors.is_empty() { StatusCode::OK } else { errors.status() };
    Page::new(visit, "Sign in").narrow().status(status).body(html! {
        (ui::summary(errors, "/sign-in"))
        section.card {
            h1 { "Sign in" }
            (inputs(fields, errors))
            @if open { p.soft { "No account yet? " a href="/register" { "Register" } } }
        }
    })
}

fn inputs(fields: &Fields, errors: &Errors) -> Markup {
    let remembered = form::is_checked(fields.remember_me.as_ref());
    html! {
        form.fields method="post" action="/sign-in" novalidate {
            (ui::hidden(link::TARGET, link::target_of(&fields.to)))
            (Field::text("username", "Username").value(&fields.username).autocomplete("username")
                .required().focused(errors.is_empty()).errors(errors))
            (Field::password("password", "Password", "current-password")
                .required().errors(errors))
            (Checkbox::new("remember_me", "Remember me", remembered)
                .hint("Stay signed in for longer on this device."))
            div.actions.wide { (ui::submit("Sign in").primary()) }
        }
    }
}

async fn sign_out(
    edge: Edge,
    Extension(cookie): Extension<SessionCookie>,
) -> Result<Response, Stop> {
    let request = LogoutRequest { request_id: String::new() };
    match edge.sessions().logout(edge.call(request)).await {
        Ok(_) => {}
        // Whose session has ended is signed out.
        Err(status) if status.code() == Code::Unauthenticated => {}
        Err(status) => return Err(status.into()),
    }
    let mut response = link::see_other(&Notice::SIGNED_OUT.on("/sign-in"));
    response.headers_mut().extend(cookie.forget().map(|value| (header::SET_COOKIE, value)));
    Ok(response)
}
