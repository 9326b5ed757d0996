//! The methods of the contract: each decodes, calls one use case and encodes.

mod annotation;
pub mod convert;
mod ontology;
mod persona;
mod persona_admin;

pub use annotation::AnnotationRpc;
pub use ontology::OntologyRpc;
pub use persona::PersonaRpc;
pub use persona_admin::PersonaAdminRpc;

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
