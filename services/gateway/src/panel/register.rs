//! Making an account for oneself, where that is open.

use axum::{Router, response::Response, routing::get};
use http::StatusCode;
use maud::html;
use roster_proto::identity::v1::{GetSettingsRequest, RegisterRequest};
use serde::Deserialize;
use tonic::Status;

use super::{
    Panel,
    edge::Edge,
    form::{Errors, Form, Label},
    link,
    notice::Notice,
    password::{self, Spaces},
    stop::{self, Stop},
    ui::{self, Field, Icon, Page},
    visit::Visit,
};

const LABELS: &[Label] = &[
    ("username", "Username"),
    ("display_name", "Display Name"),
    ("email", "Email"),
    ("password", "Password"),
];

/// What is sent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    username: String,
    display_name: String,
    email: String,
    password: String,
    spaces: Spaces,
    request_id: String,
}

/// The page for making an account.
pub fn router() -> Router<Panel> {
    Router::new().route("/register", get(show).post(register))
}

async fn show(edge: Edge, visit: Visit) -> Result<Response, Stop> {
    let settings = edge.account().get_settings(edge.call(GetSettingsRequest {})).await?;
    if !settings.get_ref().allow_registration {
        return Ok(closed(&visit));
    }
    let fields = Fields { request_id: edge.request_id(), ..Fields::default() };
    Ok(page(&edge, &visit, &fields, &Errors::default()).await)
}

async fn register(edge: Edge, visit: Visit, Form(fields): Form<Fields>) -> Result<Response, Stop> {
    if let Some(errors) = fields.spaces.question("password", &fields.password) {
        return Ok(page(&edge, &visit, &fields, &errors).await);
    }
    let request = RegisterRequest {
        username: fields.username.clone(),
        display_name: fields.display_name.clone(),
        email: fields.email.clone(),
        password: fields.password.clone(),
        request_id: fields.request_id.clone(),
    };
    let Err(failed) = edge.account().register(edge.call(request)).await else {
        return Ok(link::see_other(&Notice::REGISTERED.on("/sign-in")));
    };
    if is_closed(&failed) {
        return Ok(closed(&visit));
    }
    let errors = Errors::of_call(failed, LABELS)?;
    Ok(page(&edge, &visit, &fields, &errors).await)
}

fn is_closed(status: &Status) -> bool {
    stop::reason(status).as_deref() == Some("REGISTRATION_CLOSED")
}

fn closed(visit: &Visit) -> Response {
    Page::new(visit, "Registration is closed").status(StatusCode::FORBIDDEN).narrow().body(html! {
        section.card.stop {
            (ui::icon(Icon::Ban))
            h1 { "Registration is closed" }
            p { "Accounts are made by administrators here. Ask one of them for yours." }
            p.actions { (ui::link_button("/sign-in", "Sign in")) }
        }
    })
}

async fn page(edge: &Edge, visit: &Visit, fields: &Fields, errors: &Errors) -> Response {
    let hint = password::hint(edge).await;
    let status = if errors.is_empty() { StatusCode::OK } else { errors.status() };
    Page::new(visit, "Register").narrow().status(status).body(html! {
        (ui::summary(errors, "/register"))
        section.card {
            h1 { "Register" }
            form.fields method="post" action="/register" novalidate {
                (ui::hidden("request_id", &fields.request_id))
                (Field::text("username", "Username").value(&fields.username).required()
                    .hint("3 to 50 characters, without spaces. It cannot be changed later.")
                    .autocomplete("username").focused(errors.is_empty()).errors(errors))
                (Field::text("display_name", "Display Name").value(&fields.display_name).required()
                    .hint("What others see.").autocomplete("name").errors(errors))
                (Field::email("email", "Email").value(&fields.email)
                    .hint("For contact purposes.").autocomplete("email").errors(errors))
                (password::new("password", "Password", &fields.password, &hint, errors).required())
                (fields.spaces.answer(errors))
                div.actions.wide { (ui::submit("Register").primary()) }
            }
            p.soft { "You have an account? " a href="/sign-in" { "Sign in" } }
        }
    })
}
