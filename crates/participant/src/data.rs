//! What a service keeps about users, as far as this crate has to know.

use async_trait::async_trait;
use roster_db::{DbError, Pool, Tx};
use roster_kernel::{Timestamp, UserId};
use uuid::Uuid;

use crate::Subject;

/// Where a thing stands among those of its kind: by creation, then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When it was created.
    pub created_at: Timestamp,
    /// Which one, among those created at the same time.
    pub id: Uuid,
}

/// What a service keeps about users.
#[async_trait]
pub trait SubjectData: Send + Sync + 'static {
    /// A thing that it keeps, as it is handed out.
    type Item: Send + 'static;

    /// The kinds of things it keeps, in the plural and sorted.
    fn kinds(&self) -> &'static [&'static str];

    /// How many of each kind it keeps of each of `users`; what is missing in
    /// the answer is zero.
    async fn count(
        &self,
        connection: &Pool,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<Vec<(UserId, &'static str, i64)>, DbError>;

    /// How many of each kind it keeps of all users together, counted as
    /// [`SubjectData::count`] does; what is missing in the answer is zero.
    async fn sum(
        &self,
        connection: &Pool,
        now: Timestamp,
    ) -> Result<Vec<(&'static str, i64)>, DbError>;

    /// Up to `limit` things of one of its kinds that it keeps of a user,
    /// oldest first, behind `after`; none at all means that there are no more.
    async fn export(
        &self,
        connection: &Pool,
        user_id: UserId,
        kind: &'static str,
        after: Option<Place>,
        limit: u64,
    ) -> Result<Vec<(Place, Self::Item)>, DbError>;

    /// Erases up to `limit` rows of a user and answers how many of each kind
    /// it erased; none at all means that nothing is left.
    async fn erase(
        &self,
        tx: &Tx,
        user_id: UserId,
        limit: u64,
    ) -> Result<Vec<(&'static str, u64)>, DbError>;

    /// How many rows of each kind belong to users whose erasure is complete
    /// ([`crate::subjects::erased_users`]): rows that nobody will erase any
    /// more. Looks at every row, live or not.
    async fn orphans(&self, connection: &Pool) -> Result<Vec<(&'static str, u64)>, DbError>;

    /// Changes up to `limit` rows so that they agree with a user's state, and
    /// answers how many it changed; fewer than `limit` means that all agree.
    /// The state is stored before, and counts from then on: what opens
    /// something, or is shown, asks for it.
    async fn state_changed(&self, tx: &Tx, subject: &Subject, limit: u64) -> Result<u64, DbError>;
}
