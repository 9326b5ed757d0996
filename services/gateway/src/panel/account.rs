//! One's own account.

mod password;
mod personas;
mod profile;
mod sessions;

use axum::Router;

use super::{
    Panel,
    keys::{self, Owner},
};

/// The pages about one's own account.
pub fn router() -> Router<Panel> {
    Router::new()
        .merge(profile::router())
        .merge(password::router())
        .merge(sessions::router())
        .merge(keys::router(Owner::User))
        .merge(personas::router())
}
