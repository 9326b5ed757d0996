//! Every service of Roster in one process: what the `roster` binary runs and
//! what the end-to-end tests start.
//!
//! This is the only crate that knows all services. It gives each its
//! database, connects them with each other without sockets, and puts the edge
//! in front.

mod claim;
pub mod cli;
mod config;
mod database;
mod dev_certs;
mod encryption;
mod events;
mod first_start;
mod internal_socket;
mod listening;
mod lock;
mod migrate;
mod node;
mod offline;
mod participants;
mod parts;
mod peers;
mod recover;
mod restore;
mod rotate;
mod secrets;
mod services;
mod suite;
mod verify_export;

pub use config::{LogConfig, RosterConfig, load};
pub use database::DatabaseConfig;
pub use dev_certs::{make as dev_certs, make_one_more as one_more_certificate};
pub use lock::{DataDirLock, LockError};
pub use migrate::all as migrate;
pub use node::{CommandError, Node, Part};
pub use peers::PeersConfig;
pub use rotate::{Rotated, rotate_keys};
pub use secrets::{Secrets, SecretsError};
pub use suite::{StartError, Suite};
