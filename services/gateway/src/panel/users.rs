//! User Management.

use axum::Router;

use super::Panel;

/// The pages about users.
pub fn router() -> Router<Panel> {
    Router::new()
}
