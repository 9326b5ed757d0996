//! The methods of the contract: each decodes, calls one use case and encodes.

mod account;
mod api_keys;
mod convert;
mod credential;
mod ledger;
mod machine_authentication;
mod machine_tokens;
mod user_admin;

pub use account::AccountRpc;
pub use api_keys::{ApiKeyRpc, SystemApiKeyRpc};
pub use credential::CredentialRpc;
pub use ledger::SubjectLedgerRpc;
pub use machine_authentication::MachineAuthenticationRpc;
pub use machine_tokens::MachineTokenRpc;
pub use user_admin::UserAdminRpc;

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
