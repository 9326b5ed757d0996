//! Whether identity's ledger is as new as what was taken in from it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use roster_db::DbError;
use sea_orm::ConnectionTrait;

use crate::{ReconcileError, Version, reconcile::position::Position, subjects};

/// What a service has found out about the ledger when it last looked. Cheap to
/// clone.
///
/// A ledger that was put back from a backup, without what that takes, gives
/// out again the versions that the lost changes had: whatever it announces
/// under them looks old, and is confirmed without effect. So a service that
/// knows more than the ledger does not go on as if nothing was the matter.
#[derive(Clone, Debug, Default)]
pub struct Agreement {
    behind: Arc<AtomicBool>,
}

impl Agreement {
    /// Whether the ledger was older than what the service knows.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.behind.load(Ordering::Relaxed)
    }

    /// Holds the newest version that the ledger has against the newest one that
    /// was `known` before it was asked.
    pub(crate) fn check(&self, ledger: Version, known: Version) -> Result<(), ReconcileError> {
        let behind = ledger < known;
        self.behind.store(behind, Ordering::Relaxed);
        if behind { Err(ReconcileError::Behind { ledger, known }) } else { Ok(()) }
    }
}

/// The newest version that was taken in, whichever way it came.
pub(crate) async fn newest_known(
    connection: &impl ConnectionTrait,
    position: Position,
) -> Result<Version, DbError> {
    let read = Version { incarnation: position.incarnation, number: position.sequence };
    Ok(subjects::newest_version(connection).await?.max(read))
}
