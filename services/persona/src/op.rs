//! The use cases: in what order things happen, and what is one transaction.

pub mod create_persona;
pub mod delete_persona;
pub mod get_persona;
pub mod list_personas;
pub mod subject_data;
pub mod update_persona;

use std::sync::Arc;

use roster_db::Db;
use roster_kernel::{Env, PageTokens};

/// What use cases work with.
#[derive(Debug)]
pub struct Cx {
    /// Time and randomness.
    pub env: Env,
    /// This service's database.
    pub db: Db,
    /// How lists are continued.
    pub page_tokens: Arc<PageTokens>,
}
