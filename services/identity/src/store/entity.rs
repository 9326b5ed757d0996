//! The tables as rows.

pub mod activity;
pub mod api_key;
pub mod credential;
pub mod deletion;
pub mod guard;
pub mod ledger;
pub mod machine_token;
pub mod participant;
pub mod user;
