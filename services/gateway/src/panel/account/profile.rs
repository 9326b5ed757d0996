//! One's own name and email.

use axum::{Router, response::Response, routing::get};
use http::StatusCode;
use maud::{Markup, html};
use roster_proto::identity::v1::{UpdateProfileRequest, User};
use serde::Deserialize;

use super::super::{
    Panel,
    edge::Edge,
    form::{Errors, Form, Label},
    link,
    notice::Notice,
    stop::Stop,
    ui::{self, Field, Page, Tab},
    visit::SignedIn,
};

const PATH: &str = "/account";

const LABELS: &[Label] = &[("display_name", "Display Name"), ("email", "Email")];

pub fn router() -> Router<Panel> {
    Router::new().route(PATH, get(show).post(save))
}

/// What is sent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    display_name: String,
    email: String,
    etag: String,
    request_id: String,
}

async fn show(edge: Edge, who: SignedIn) -> Response {
    let fields = Fields {
        display_name: who.user.display_name.clone(),
        email: who.user.email.clone(),
        etag: who.user.etag.clone(),
        request_id: edge.request_id(),
    };
    page(&who, &fields, &Errors::default())
}

async fn save(edge: Edge, who: SignedIn, Form(fields): Form<Fields>) -> Result<Response, Stop> {
    let request = UpdateProfileRequest {
        display_name: Some(fields.display_name.clone()),
        email: Some(fields.email.clone()),
        update_mask: None,
        etag: fields.etag.clone(),
        request_id: fields.request_id.clone(),
    };
    match edge.account().update_profile(edge.call(request)).await {
        Ok(_) => Ok(link::see_other(&Notice::PROFILE_SAVED.on(PATH))),
        Err(status) => Ok(page(&who, &fields, &Errors::of_call(status, LABELS)?)),
    }
}

fn page(SignedIn { visit, user }: &SignedIn, fields: &Fields, errors: &Errors) -> Response {
    let status = if errors.is_empty() { StatusCode::OK } else { errors.status() };
    Page::new(visit, "My account").tab(Tab::Profile).medium().status(status).body(html! {
        div.heading { div { h1 { "Profile" } p.sub { "What others see of you." } } }
        (ui::summary(errors, PATH))
        div.split {
            form.card.fields method="post" action=(PATH) novalidate {
                (ui::hidden("request_id", &fields.request_id))
                (ui::hidden("etag", &fields.etag))
                (Field::text("display_name", "Display Name").value(&fields.display_name)
                    .autocomplete("name").required().errors(errors))
                (Field::email("email", "Email").value(&fields.email).autocomplete("email")
                    .hint("For contact purposes.").errors(errors))
                div.actions { (ui::submit("Save").primary()) }
            }
            (facts(user))
        }
    })
}

fn facts(user: &User) -> Markup {
    let role = if user.is_admin {
        ui::admin_badge()
    } else {
        html! { "User" }
    };
    html! {
        section.card {
            header { h2 { "Account" } }
            (ui::facts(&[
                ("Username", html! { (user.username) }),
                ("Role", role),
                ("Created", ui::time(user.create_time, "Not known")),
                ("Last login", ui::time(user.last_login_time, "Never signed in")),
            ]))
            p.small.soft { "The username cannot be changed." }
        }
    }
}
