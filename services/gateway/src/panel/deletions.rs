//! What became of the deletion of a user.

use axum::Router;

use super::Panel;

/// The pages about deletions.
pub fn router() -> Router<Panel> {
    Router::new()
}
