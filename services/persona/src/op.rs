//! The use cases: in what order things happen, and what is one transaction.

pub mod create_annotation;
pub mod create_persona;
pub mod delete_annotation;
pub mod delete_persona;
pub mod get_annotation;
pub mod get_ontology;
pub mod get_persona;
pub mod list_annotations;
pub mod list_ontologies;
pub mod list_personas;
pub mod page;
pub mod subject_data;
pub mod transfer_personas;
pub mod update_annotation;
pub mod update_ontology;
pub mod update_persona;

use std::sync::Arc;

use roster_db::Db;
use roster_kernel::{Env, PageTokens};

use crate::identity::Identity;

/// What use cases work with.
#[derive(Debug)]
pub struct Cx {
    /// Time and randomness.
    pub env: Env,
    /// This service's database.
    pub db: Db,
    /// Who the users are.
    pub identity: Identity,
    /// How lists are continued.
    pub page_tokens: Arc<PageTokens>,
}
