//! Every service of Roster in one process: what the `roster` binary runs and
//! what the end-to-end tests start.
//!
//! This is the only crate that knows all services. It gives each its
//! database, connects them with each other without sockets, and puts the edge
//! in front.

pub mod cli;
mod config;
mod database;
mod encryption;
mod first_start;
mod internal_socket;
mod lock;
mod migrate;
mod recover;
mod rotate;
mod secrets;
mod services;
mod suite;
mod verify_export;

pub use config::{LogConfig, RosterConfig, load};
pub use database::DatabaseConfig;
pub use lock::{DataDirLock, LockError};
pub use rotate::{Rotated, rotate_keys};
pub use secrets::{Secrets, SecretsError};
pub use suite::{StartError, Suite};
