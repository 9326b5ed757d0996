//! Keeping a user from signing in without deleting anything, and taking that back.

use axum::response::Response;
use roster_proto::identity::v1::{DisableUserRequest, EnableUserRequest};
use serde::Deserialize;
use tonic::Status;

use super::{
    super::{
        edge::Edge,
        form::{Form, Id},
        link,
        notice::Notice,
        stop::{self, Stop},
        ui,
        visit::{Admin, Visit},
    },
    path,
};

/// What is sent.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    request_id: String,
}

pub async fn disable(
    edge: Edge,
    Admin { visit, .. }: Admin,
    Id(user_id): Id,
    Form(Fields { request_id }): Form<Fields>,
) -> Result<Response, Stop> {
    let (page, etag) = (path(&user_id), String::new());
    let request = DisableUserRequest { user_id, etag, request_id: request_id.clone() };
    match edge.users().disable_user(edge.call(request)).await {
        Ok(_) => Ok(link::see_other(&Notice::DISABLED.on(&page))),
        Err(status) => {
            let action = format!("{page}/disable");
            not_yet(&visit, status, "The user is disabled.", &action, &request_id)
        }
    }
}

pub async fn enable(
    edge: Edge,
    Admin { visit, .. }: Admin,
    Id(user_id): Id,
    Form(Fields { request_id }): Form<Fields>,
) -> Result<Response, Stop> {
    let (page, etag) = (path(&user_id), String::new());
    let request = EnableUserRequest { user_id, etag, request_id: request_id.clone() };
    match edge.users().enable_user(edge.call(request)).await {
        Ok(_) => Ok(link::see_other(&Notice::ENABLED.on(&page))),
        Err(status) => {
            let action = format!("{page}/enable");
            not_yet(&visit, status, "The user is enabled.", &action, &request_id)
        }
    }
}

fn not_yet(
    visit: &Visit,
    status: Status,
    done: &str,
    action: &str,
    request_id: &str,
) -> Result<Response, Stop> {
    if stop::reason(&status).as_deref() != Some("EFFECT_PENDING") {
        return Err(status.into());
    }
    Ok(ui::pending(visit, done, action, &[("request_id", request_id)]))
}
