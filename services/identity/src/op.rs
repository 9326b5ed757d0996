//! The use cases: in what order things happen, and what is one transaction.

mod admin;
pub mod authenticate_machine_token;
pub mod batch_get_users;
pub mod change_password;
pub mod check_keyring;
pub mod create_api_key;
pub mod create_user;
pub mod delete_api_key;
pub mod delete_user;
mod deletions;
mod effect;
pub mod ensure_first_admin;
pub mod export_user_data;
mod generated_password;
pub mod get_deletion;
pub mod get_profile;
pub mod get_statistics;
pub mod get_user;
pub mod is_in_use;
pub mod issue_machine_token;
mod key_owner;
pub mod list_api_keys;
pub mod list_deletions;
pub mod list_machine_tokens;
pub mod list_subject_states;
pub mod list_users;
pub mod new_account;
pub mod own_data;
pub mod participants;
pub mod plan_user_deletion;
pub mod recover_admin;
pub mod register;
mod repeated;
pub mod resolve_api_key;
pub mod restore;
pub mod retry_deletion;
pub mod revoke_machine_token;
pub mod rotate_keys;
pub mod set_disabled;
mod statistics;
pub mod throttle;
pub mod token_uses;
mod transition;
pub mod update_api_key;
pub mod update_profile;
pub mod update_user;
pub mod verify_password;
pub mod watch_deletion;

use std::sync::Arc;

use roster_db::Db;
use roster_events::Outbox;
use roster_kernel::{Env, PageTokens, ServiceName};
use tokio_util::sync::CancellationToken;

use crate::{
    domain::PasswordPolicy, hashing::Hasher, participants::Participants, sealing::Keyring,
    uses::UseCounter,
};

/// What use cases work with.
#[derive(Debug)]
pub struct Cx {
    /// The name of this service.
    pub name: ServiceName,
    /// Time and randomness.
    pub env: Env,
    /// This service's database.
    pub db: Db,
    /// How changes are announced.
    pub outbox: Outbox,
    /// How passwords are hashed.
    pub hasher: Hasher,
    /// What counts attempts.
    pub throttle: throttle::Throttle,
    /// What is asked of new passwords.
    pub password_policy: PasswordPolicy,
    /// Whether people can create accounts for themselves.
    pub allow_registration: bool,
    /// The participant whose receipt makes a change effective.
    pub effect_consumer: String,
    /// The services that keep data about users.
    pub participants: Participants,
    /// What API keys are encrypted with.
    pub keyring: Arc<Keyring>,
    /// How often API keys are handed out.
    pub uses: UseCounter,
    /// The uses of machine tokens that are not stored yet.
    pub token_uses: token_uses::TokenUses,
    /// How lists are continued.
    pub page_tokens: Arc<PageTokens>,
    /// Completes when streams without an end of their own have to end.
    pub draining: CancellationToken,
}
