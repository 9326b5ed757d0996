//! The identity service: accounts, their passwords, the ledger of everybody
//! there is and was, and deletions.
//!
//! # Adding an RPC
//!
//! 1. The contract, in `proto/roster/identity/v1`: the rpc and its messages, a
//!    comment with its errors, the access option, the HTTP rule.
//! 2. One file in `op/` for the use case: its rules and its transaction.
//! 3. What it needs of `domain/` (types and invariants) and `store/` (queries).
//! 4. A method in `rpc/` that decodes, calls the op and encodes; the
//!    conversions in `rpc/convert`.
//! 5. A test in `tests/it`, in a file named like the op.
//!
//! A missing method does not compile; a missing access option fails the
//! descriptor test.
//!
//! A change of a role, a state or an account takes the guard row first
//! (`store::guard`), and goes through the ledger: the type of
//! `store::guard::Turn` sees to it.

mod announce;
mod background;
mod config;
mod domain;
mod error;
mod hashing;
mod measure;
mod op;
mod participants;
mod rpc;
mod sealing;
mod service;
mod store;
mod uses;

pub use config::{ConfigError, IdentityConfig, PasswordConfig};
pub use domain::{Amended, InvalidParticipantName, Participant, Restored};
pub use hashing::{HashParams, HashStatistics};
pub use op::restore::RestoreError;
pub use op::rotate_keys::RotationError;
pub use op::{
    check_keyring::{KeyringError, check_keyring},
    ensure_first_admin::FirstAdmin,
    is_in_use::is_in_use,
    participants::{Added, Listed, Progress, Registry, RegistryError},
    recover_admin::RecoveredAdmin,
};
pub use participants::Ways;
pub use sealing::{InvalidKeyring, Keyring, SealError};
pub use service::{
    BuildError, Deps, FirstAdminError, RecoverAdminError, Service, build, registry, rotate_keys,
};
pub use store::migration::Migrator;
