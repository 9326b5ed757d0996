//! What this service keeps of a user, and what becomes of it when identity
//! announces that the user changed or was deleted. The participant stores the
//! user's state and asks this for the rest.

use async_trait::async_trait;
use roster_db::{DbError, Pool, Tx, replay};
use roster_kernel::{Timestamp, UserId};
use roster_participant::{Place, State, Subject, SubjectData};

use crate::{
    domain::{Session, SessionFilter},
    store::{familiar, session},
};

/// The one kind of thing that this service keeps.
const SESSIONS: &str = "sessions";

/// The sessions of users.
#[derive(Clone, Copy, Debug)]
pub struct Sessions;

#[async_trait]
impl SubjectData for Sessions {
    type Item = Session;

    fn kinds(&self) -> &'static [&'static str] {
        &[SESSIONS]
    }

    /// Counts live sessions: what a list would show.
    async fn count(
        &self,
        connection: &Pool,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<Vec<(UserId, &'static str, i64)>, DbError> {
        let counts = session::count_by_user(connection, users, now).await?;
        Ok(counts.into_iter().map(|(user, count)| (user, SESSIONS, count)).collect())
    }

    async fn sum(
        &self,
        connection: &Pool,
        now: Timestamp,
    ) -> Result<Vec<(&'static str, i64)>, DbError> {
        let live = session::count(connection, &SessionFilter::default(), None, now).await?;
        Ok(vec![(SESSIONS, i64::try_from(live).unwrap_or(i64::MAX))])
    }

    /// Hands out all sessions that are kept, expired ones included.
    async fn export(
        &self,
        connection: &Pool,
        user_id: UserId,
        _kind: &'static str,
        after: Option<Place>,
        limit: u64,
    ) -> Result<Vec<(Place, Session)>, DbError> {
        let sessions = session::export(connection, user_id, after, limit).await?;
        let placed = |session: Session| {
            (Place { created_at: session.created_at, id: session.id.uuid() }, session)
        };
        Ok(sessions.into_iter().map(placed).collect())
    }

    /// Erases sessions, expired ones included, the kept answers that tell of
    /// them, and where the user has signed in from.
    async fn erase(
        &self,
        tx: &Tx,
        user_id: UserId,
        limit: u64,
    ) -> Result<Vec<(&'static str, u64)>, DbError> {
        replay::forget(tx, user_id).await?;
        familiar::erase(tx, user_id).await?;
        Ok(vec![(SESSIONS, session::erase(tx, user_id, limit).await?)])
    }

    async fn orphans(&self, connection: &Pool) -> Result<Vec<(&'static str, u64)>, DbError> {
        Ok(vec![(SESSIONS, session::count_orphans(connection).await?)])
    }

    /// Ends the sessions that the state allows no longer. They have opened
    /// nothing since the state is known: what is left to do is to tidy up.
    async fn state_changed(&self, tx: &Tx, subject: &Subject, limit: u64) -> Result<u64, DbError> {
        let user = subject.user_id;
        match subject.state {
            State::Active => {
                session::delete_below_epoch(tx, user, subject.session_epoch, limit).await
            }
            State::Disabled | State::Deleted => session::erase(tx, user, limit).await,
        }
    }
}
