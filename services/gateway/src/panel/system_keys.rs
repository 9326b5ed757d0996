//! System API Keys.

use axum::Router;

use super::{
    Panel,
    keys::{self, Owner},
};

/// The pages about the keys of the system.
pub fn router() -> Router<Panel> {
    keys::router(Owner::System)
}
