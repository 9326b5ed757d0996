//! The persona service, through its own methods.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test whose preparation fails has failed"
)]

mod annotations;
mod create_persona;
mod delete_persona;
mod get_persona;
mod harness;
mod layers;
mod list_personas;
mod reconcile;
mod rules;
mod subject_data;
mod transfer_personas;
mod unimplemented;
mod update_ontology;
mod update_persona;
mod users;
