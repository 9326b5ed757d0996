//! The use cases: in what order things happen, and what is one transaction.

mod admin;
pub mod attempt;
pub mod authenticate;
pub mod end_all_sessions;
pub mod last_seen;
pub mod list_sessions;
pub mod login;
pub mod logout;
pub mod revoke_session;
pub mod revoke_sessions;
pub mod subject_data;
pub mod sweep;

use std::sync::Arc;

use roster_db::Db;
use roster_kernel::{Env, PageTokens};

use crate::{domain::Lifetimes, identity::Identity, measure::LoginMeter};

/// What use cases work with.
#[derive(Debug)]
pub struct Cx {
    /// Time and randomness.
    pub env: Env,
    /// This service's database.
    pub db: Db,
    /// The identity service.
    pub identity: Identity,
    /// How long sessions last.
    pub lifetimes: Lifetimes,
    /// How lists are continued.
    pub page_tokens: Arc<PageTokens>,
    /// What counts attempts to sign in.
    pub throttle: attempt::LoginThrottle,
    /// The uses of sessions that are not stored yet.
    pub last_seen: last_seen::LastSeen,
    /// How attempts to sign in are counted.
    pub logins: LoginMeter,
}
