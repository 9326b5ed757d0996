//! The persona service: the points of view from which users work, what they
//! keep in them, and the administration of both.
//!
//! # Adding an RPC
//!
//! 1. The contract, in `proto/roster/persona/v1`: the rpc and its messages, a
//!    comment with its errors, the access option, the HTTP rule.
//! 2. One file in `op/` for the use case: its rules and its transaction.
//! 3. What it needs of `domain/` (types and invariants) and `store/` (queries).
//! 4. A method in `rpc/` that decodes, calls the op and encodes; the
//!    conversions in `rpc/convert.rs`.
//! 5. A test in `tests/it`, in a file named like the op.
//!
//! A missing method does not compile; a missing access option fails the
//! descriptor test.
//!
//! # Keeping another kind of thing
//!
//! A table in `store/` whose rows name their owner, and a line in each method
//! of `op/subject_data.rs`: then it is counted, and erased with its owner.

mod background;
mod domain;
mod error;
mod identity;
mod op;
mod rpc;
mod service;
mod store;

pub use service::{Deps, Service, build};
pub use store::migration::Migrator;
