//! The queries, one module for each table.

pub mod activity;
pub mod api_key;
pub mod credential;
pub mod deletion;
mod entity;
pub mod guard;
pub mod ledger;
pub mod machine_token;
pub mod migration;
pub mod participant;
pub mod user;
