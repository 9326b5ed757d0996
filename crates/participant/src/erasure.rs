//! Erasing what is kept of a user.

use std::collections::BTreeMap;

use roster_db::{Db, DbError, Tx};
use roster_events::{Inbox, Receipt};
use roster_kernel::{Env, EventId, Timestamp};

use crate::{State, Subject, SubjectData, measure::ParticipantMeter, subjects};

/// Rows of each kind, by the kind's name.
pub type Counts = BTreeMap<String, i64>;

/// How many rows one transaction erases at the most, so that others get
/// their turn at the database in between.
const BATCH: u64 = 500;

/// Takes a state in and makes the service agree with it.
pub(crate) async fn apply(
    tx: &Tx,
    data: &impl SubjectData,
    subject: Subject,
    now: Timestamp,
) -> Result<(), DbError> {
    let stored = subjects::merge(tx, subject, now).await?;
    if stored.state != State::Deleted {
        data.state_changed(tx, &stored).await?;
    }
    Ok(())
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
        let Self { db, env, data, .. } = self;
        // The mark comes first and on its own: from here on nothing can be
        // created for the user, and no session of theirs is accepted.
        let tx = db.begin().await?;
        subjects::merge(&tx, Subject { state: State::Deleted, ..subject }, env.now()).await?;
        tx.commit().await?;
        env.step("erasure.marked").await;
        loop {
            let tx = db.begin().await?;
            let mut counts = subjects::erased(&*tx, subject.user_id).await?;
            let batch = data.erase(&tx, subject.user_id, BATCH).await?;
            for (kind, rows) in &batch {
                let erased = i64::try_from(*rows).unwrap_or(i64::MAX);
                *counts.entry((*kind).to_owned()).or_default() += erased;
            }
            if batch.iter().any(|(_kind, rows)| *rows > 0) {
                subjects::note_erasure(&tx, subject.user_id, &counts, None).await?;
                tx.commit().await?;
                for (kind, rows) in batch {
                    self.meter.erased(kind, rows);
                }
                env.step("erasure.batch").await;
                continue;
            }
            for kind in data.kinds() {
                counts.entry((*kind).to_owned()).or_default();
            }
            let now = env.now();
            subjects::note_erasure(&tx, subject.user_id, &counts, Some(now)).await?;
            let receipt = match event {
                Some(event) => {
                    Some(Inbox::record(&tx, event, counts.into_iter().collect(), now).await?)
                }
                None => None,
            };
            tx.commit().await?;
            return Ok(receipt);
        }
    }
}
