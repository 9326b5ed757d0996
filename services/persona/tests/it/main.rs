//! The persona service, through its own methods.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test whose preparation fails has failed"
)]

mod create_persona;
mod delete_persona;
mod get_persona;
mod harness;
mod layers;
mod list_personas;
mod reconcile;
mod rules;
mod subject_data;
mod unimplemented;
mod update_persona;
