//! User Management.

mod create;
mod delete;
mod edit;
mod list;
mod review;
mod state;
mod transfer;

use axum::{
    Router,
    routing::{get, post},
};
use maud::{Markup, html};
use roster_proto::identity::v1::{GetUserRequest, User};

use super::{Panel, edge::Edge, form::Label, stop::Stop, ui, ui::Icon};

/// The fields of a user.
const LABELS: &[Label] = &[
    ("username", "Username"),
    ("display_name", "Display Name"),
    ("email", "Email"),
    ("password", "Password"),
    ("is_admin", "Admin Role"),
];

/// The pages about users.
pub fn router() -> Router<Panel> {
    Router::new()
        .route("/admin/users", get(list::show))
        .route("/admin/users/new", get(create::show).post(create::create))
        .route("/admin/users/{id}", get(edit::show).post(edit::save))
        .route("/admin/users/{id}/disable", post(state::disable))
        .route("/admin/users/{id}/enable", post(state::enable))
        .route("/admin/users/{id}/delete", get(delete::ask).post(delete::delete))
        .route("/admin/users/{id}/data", get(review::show))
        .route("/admin/users/{id}/transfer", get(transfer::show).post(transfer::transfer))
}

/// A user, with statistics.
async fn find(edge: &Edge, user_id: &str) -> Result<User, Stop> {
    let request = GetUserRequest { user_id: user_id.to_owned() };
    let user = edge.users().get_user(edge.call(request)).await?.into_inner().user;
    user.ok_or(Stop::Missing)
}

/// The page of a user.
fn path(user_id: &str) -> String {
    format!("/admin/users/{user_id}")
}

/// The badges of a user.
fn badges(user: &User) -> Markup {
    html! {
        @if user.is_admin { (ui::admin_badge()) }
        @if user.disabled { (ui::disabled_badge()) }
    }
}

/// The way back, and what a page about a user is called.
fn heading(user: &User, title: &str, back: (&str, &str)) -> Markup {
    html! {
        a.back href=(back.0) { (ui::icon(Icon::Left)) (back.1) }
        div.heading {
            div {
                div.title { h1 { (title) } (badges(user)) }
                p.sub { (user.username) " · " bdi { (user.display_name) } }
            }
        }
    }
}
