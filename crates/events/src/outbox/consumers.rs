//! Consumers that come and go while the service runs.
//!
//! Who must confirm an event is read in the transaction that appends it, under
//! a lock that appending shares and that registering has alone. So a
//! transaction that appends either has committed before a consumer is
//! registered, and its change is there to be read by whoever tells the consumer
//! what was before; or it reads the set after that, with the consumer in it:
//! on PostgreSQL a statement sees what was committed before it began, and it
//! begins when the lock is there. Nothing falls in between.

use roster_db::{DbError, Tx};
use roster_kernel::ServiceName;
use sea_orm::ConnectionTrait;

use super::{Outbox, RECEIPTS, store};

/// What appending shares.
const SET: &str = "outbox.consumers";

/// How many events one transaction lets off at the most.
const BATCH: u64 = 500;

impl Outbox {
    /// Who must confirm what `tx` appends; nobody comes or goes until it ends.
    pub async fn consumers(&self, tx: &Tx) -> Result<Vec<ServiceName>, DbError> {
        tx.lock_shared(SET).await?;
        let registered = self.registered(&**tx).await?;
        Ok(self.inner.consumers.iter().cloned().chain(registered).collect())
    }

    /// The consumers besides those that the service is built with, by name.
    pub async fn registered(
        &self,
        connection: &impl ConnectionTrait,
    ) -> Result<Vec<ServiceName>, DbError> {
        let names = store::consumers(connection).await?;
        // One that has become a part of the service is in its set once.
        Ok(names.into_iter().filter(|name| !self.inner.consumers.contains(name)).collect())
    }

    /// Lets `consumer` confirm every event that is appended after `tx`; answers
    /// whether it did not already. Waits for transactions that have appended
    /// something, so it comes first in its own.
    pub async fn register(&self, tx: &Tx, consumer: &ServiceName) -> Result<bool, DbError> {
        tx.lock(SET).await?;
        if store::consumers(&**tx).await?.contains(consumer) {
            return Ok(false);
        }
        store::add_consumer(tx, consumer, self.inner.env.now()).await?;
        Ok(true)
    }

    /// Lets no event that is appended after `tx` wait for `consumer`; answers
    /// whether any would have. What was appended before still waits: see
    /// [`Outbox::waive`].
    pub async fn unregister(&self, tx: &Tx, consumer: &ServiceName) -> Result<bool, DbError> {
        tx.lock(SET).await?;
        store::remove_consumer(tx, consumer).await
    }

    /// Lets nothing wait any more for a consumer that was unregistered; answers
    /// how many events did. Can be cut short anywhere and begun again.
    pub async fn waive(&self, consumer: &ServiceName) -> Result<u64, DbError> {
        let mut waived = 0;
        loop {
            let now = self.inner.env.now();
            let tx = self.inner.db.begin().await?;
            // Locked, like the one of a receipt: two who each complete an event
            // would each find the other missing.
            let events = store::lock_waiting_for(&tx, consumer, BATCH).await?;
            store::waive(&tx, &events, consumer, now).await?;
            for event in &events {
                store::retire_if_confirmed(&tx, *event, now).await?;
            }
            tx.notify(RECEIPTS).await?;
            tx.commit().await?;
            self.receipt_came();
            waived += events.len() as u64;
            if (events.len() as u64) < BATCH {
                return Ok(waived);
            }
            self.inner.env.step("outbox.waived").await;
        }
    }

    /// How many events wait for `consumer`.
    pub async fn waiting_for(
        &self,
        connection: &impl ConnectionTrait,
        consumer: &ServiceName,
    ) -> Result<u64, DbError> {
        store::count_waiting_for(connection, consumer).await
    }
}
