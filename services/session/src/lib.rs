//! The session service: signing in and out, whom a token stands for, and the
//! administration of all sessions.
//!
//! # Adding an RPC
//!
//! 1. The contract, in `proto/roster/session/v1`: the rpc and its messages, a
//!    comment with its errors, the access option, the HTTP rule.
//! 2. One file in `op/` for the use case: its rules and its transaction.
//! 3. What it needs of `domain/` (types and invariants) and `store/` (queries).
//! 4. A method in `rpc/` that decodes, calls the op and encodes; the
//!    conversions in `rpc/convert.rs`.
//! 5. A test in `tests/it`, in a file named like the op.
//!
//! A missing method does not compile; a missing access option fails the
//! descriptor test.

mod background;
mod config;
mod domain;
mod error;
mod identity;
mod measure;
mod op;
mod rpc;
mod service;
mod store;

pub use config::{ConfigError, LoginConfig, SessionConfig};
pub use service::{Deps, EndSessionsError, Service, build};
pub use store::migration::Migrator;
