//! The methods of the contract: each decodes, calls one use case and encodes.

mod admin;
mod authentication;
pub mod convert;
mod own;

pub use admin::SessionAdminRpc;
pub use authentication::AuthenticationRpc;
pub use own::SessionRpc;

use std::sync::Arc;

use roster_db::replay::{FingerprintKey, Repetition};
use roster_kernel::Caller;

use crate::op::Cx;

/// What every service of the contract answers from.
#[derive(Clone, Debug)]
pub struct RpcCx {
    /// What use cases work with.
    pub cx: Arc<Cx>,
    /// What requests are recognised by when they are repeated.
    pub fingerprints: FingerprintKey,
}

impl RpcCx {
    /// What recognises a repetition of `method` by `caller`.
    const fn repetition<'a>(&'a self, caller: &'a Caller, method: &'static str) -> Repetition<'a> {
        Repetition { caller, method, fingerprints: &self.fingerprints }
    }
}
