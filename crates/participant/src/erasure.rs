//! Erasing what is kept of a user.

use std::collections::BTreeMap;

use roster_db::{Db, DbError, Tx};
use roster_events::{Inbox, Receipt};
use roster_kernel::{Env, EventId, Timestamp, UserId};

use crate::{State, Subject, SubjectData, measure::ParticipantMeter, subjects};

/// Rows of each kind, by the kind's name.
pub type Counts = BTreeMap<String, i64>;

/// How many rows one transaction changes at the most, so that others get
/// their turn at the database in between.
pub(crate) const BATCH: u64 = 500;

/// Takes a state in and makes up to `limit` rows agree with it; answers how
/// many that were. Fewer than `limit` means that all agree.
pub(crate) async fn apply(
    tx: &Tx,
    data: &impl SubjectData,
    subject: Subject,
    limit: u64,
    now: Timestamp,
) -> Result<u64, DbError> {
    let stored = subjects::merge(tx, subject, now).await?;
    // What a deleted user still has is for the erasure.
    if stored.state == State::Deleted || limit == 0 {
        return Ok(0);
    }
    data.state_changed(tx, &stored, limit).await
}

/// What one transaction of an erasure has come to.
pub(crate) enum Step {
    /// It erased some rows of each kind; there may be more.
    Erased(Vec<(&'static str, u64)>),
    /// Nothing is left. How many rows of each kind there were in all.
    Complete(Counts),
}

/// Erases what a service keeps of users.
pub(crate) struct Eraser<'a, D> {
    pub db: &'a Db,
    pub env: &'a Env,
    pub data: &'a D,
    pub meter: &'a ParticipantMeter,
}

impl<D: SubjectData> Eraser<'_, D> {
    /// Marks a user as deleted, then erases in batches. The last batch, which
    /// finds nothing left, records that `event` is carried out, if an event it
    /// was, and answers its receipt. Erasing what is erased already is cheap
    /// and ends the same way.
    pub async fn erase(
        &self,
        subject: Subject,
        event: Option<EventId>,
    ) -> Result<Option<Receipt>, DbError> {
        let Self { db, env, .. } = self;
        // The mark comes first and on its own: from here on nothing can be
        // created for the user, and no session of theirs is accepted.
        let tx = db.begin().await?;
        subjects::merge(&tx, Subject { state: State::Deleted, ..subject }, env.now()).await?;
        tx.commit().await?;
        env.step("erasure.marked").await;
        loop {
            let tx = db.begin().await?;
            let counts = match self.step(&tx, subject.user_id, BATCH).await? {
                Step::Erased(rows) => {
                    tx.commit().await?;
                    self.measure(rows);
                    env.step("erasure.batch").await;
                    continue;
                }
                Step::Complete(counts) => counts,
            };
            let receipt = match event {
                Some(event) => {
                    let counts = counts.into_iter().collect();
                    Some(Inbox::record(&tx, event, counts, env.now()).await?)
                }
                None => None,
            };
            tx.commit().await?;
            return Ok(receipt);
        }
    }

    /// Erases up to `limit` rows of a user who is marked as deleted, and notes
    /// how far the erasure is.
    pub async fn step(&self, tx: &Tx, user_id: UserId, limit: u64) -> Result<Step, DbError> {
        let mut counts = subjects::erased(tx, user_id).await?;
        let rows = self.data.erase(tx, user_id, limit).await?;
        for (kind, rows) in &rows {
            let erased = i64::try_from(*rows).unwrap_or(i64::MAX);
            *counts.entry((*kind).to_owned()).or_default() += erased;
        }
        if rows.iter().any(|(_kind, rows)| *rows > 0) {
            subjects::note_erasure(tx, user_id, &counts, None).await?;
            return Ok(Step::Erased(rows));
        }
        for kind in self.data.kinds() {
            counts.entry((*kind).to_owned()).or_default();
        }
        subjects::note_erasure(tx, user_id, &counts, Some(self.env.now())).await?;
        Ok(Step::Complete(counts))
    }

    /// Counts what was erased, once that is committed.
    pub fn measure(&self, rows: Vec<(&'static str, u64)>) {
        for (kind, rows) in rows {
            self.meter.erased(kind, rows);
        }
    }
}
