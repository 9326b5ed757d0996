//! What this service keeps of a user, and what becomes of it when identity
//! announces that the user was deleted. The participant stores the user's
//! state and asks this for the rest.

use async_trait::async_trait;
use roster_db::{DbError, Tx, replay};
use roster_kernel::{Timestamp, UserId};
use roster_participant::{Place, Subject, SubjectData};
use sea_orm::DatabaseConnection;

use crate::{domain::Persona, store::persona};

/// Personas, hidden ones included.
const PERSONAS: &str = "personas";

/// What users keep in this service.
#[derive(Clone, Copy, Debug)]
pub struct PersonaData;

#[async_trait]
impl SubjectData for PersonaData {
    type Item = Persona;

    fn kinds(&self) -> &'static [&'static str] {
        &[PERSONAS]
    }

    async fn count(
        &self,
        connection: &DatabaseConnection,
        users: &[UserId],
        _now: Timestamp,
    ) -> Result<Vec<(UserId, &'static str, i64)>, DbError> {
        let personas = persona::count_by_owner(connection, users).await?;
        Ok(personas.into_iter().map(|(user, count)| (user, PERSONAS, count)).collect())
    }

    async fn sum(
        &self,
        connection: &DatabaseConnection,
        _now: Timestamp,
    ) -> Result<Vec<(&'static str, i64)>, DbError> {
        Ok(vec![(PERSONAS, persona::count(connection).await?)])
    }

    async fn export(
        &self,
        connection: &DatabaseConnection,
        user_id: UserId,
        _kind: &'static str,
        after: Option<Place>,
        limit: u64,
    ) -> Result<Vec<(Place, Persona)>, DbError> {
        let personas = persona::export(connection, user_id, after, limit).await?;
        let placed = |persona: Persona| {
            (Place { created_at: persona.created_at, id: persona.id.uuid() }, persona)
        };
        Ok(personas.into_iter().map(placed).collect())
    }

    /// Erases personas and, with every batch, the kept answers that hold
    /// some: an update that came in between two batches left one behind.
    async fn erase(
        &self,
        tx: &Tx,
        user_id: UserId,
        limit: u64,
    ) -> Result<Vec<(&'static str, u64)>, DbError> {
        replay::forget(tx, user_id).await?;
        Ok(vec![(PERSONAS, persona::erase(tx, user_id, limit).await?)])
    }

    async fn orphans(
        &self,
        connection: &DatabaseConnection,
    ) -> Result<Vec<(&'static str, u64)>, DbError> {
        Ok(vec![(PERSONAS, persona::count_orphans(connection).await?)])
    }

    /// Nothing to do: what is kept depends on neither role nor state, and a
    /// disabled user's personas are preserved.
    async fn state_changed(&self, _tx: &Tx, _subject: &Subject) -> Result<(), DbError> {
        Ok(())
    }
}
