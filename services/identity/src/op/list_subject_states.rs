//! Reading the ledger.

use super::Cx;
use crate::{
    domain::{Subject, Version},
    error::Error,
    store::{guard, ledger},
};

/// A page of the ledger.
#[derive(Clone, Debug)]
pub struct LedgerPage {
    /// The states, in the order of the changes.
    pub subjects: Vec<Subject>,
    /// The place that the next page begins behind.
    pub last_sequence: i64,
    /// The newest version of all.
    pub newest: Version,
}

/// Up to `limit` states behind `after`.
pub async fn list_subject_states(cx: &Cx, after: i64, limit: u64) -> Result<LedgerPage, Error> {
    let states = ledger::list(cx.db.read(), after, limit).await?;
    // Afterwards: of an incarnation that has begun meanwhile, the states are
    // to be read once more.
    let newest = guard::newest(cx.db.read()).await?;
    let last_sequence = states.last().map_or(after, |(sequence, _)| *sequence);
    let subjects = states.into_iter().map(|(_, subject)| subject).collect();
    Ok(LedgerPage { subjects, last_sequence, newest })
}
