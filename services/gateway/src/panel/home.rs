//! The start page: where most people want to go on.

use axum::{Router, response::Response, routing::get};

use super::{Panel, link, visit::SignedIn};

/// The start page.
pub fn router() -> Router<Panel> {
    Router::new().route("/", get(start)).route("/admin", get(start))
}

async fn start(SignedIn { user, .. }: SignedIn) -> Response {
    link::see_other(if user.is_admin { "/admin/users" } else { "/account" })
}
