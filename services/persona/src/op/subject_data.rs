//! What this service keeps of a user, and what becomes of it when identity
//! announces that the user was deleted. The participant stores the user's
//! state and asks this for the rest.

use async_trait::async_trait;
use roster_db::{DbError, Pool, Tx, replay};
use roster_kernel::{Timestamp, UserId};
use roster_participant::{Place, Subject, SubjectData};

use crate::{
    domain::{Annotation, Entry, Ontology, Persona, fitting},
    store::{annotation, ontology, owned, persona},
};

/// What was marked in videos.
const ANNOTATIONS: &str = "annotations";
/// Ontologies that have, or had, content.
const ONTOLOGIES: &str = "ontologies";
/// Personas, hidden ones included.
const PERSONAS: &str = "personas";

/// What users keep in this service.
#[derive(Clone, Copy, Debug)]
pub struct PersonaData;

/// A thing that a user keeps.
#[derive(Clone, Debug)]
pub enum Kept {
    /// What was marked in a video.
    Annotation(Annotation),
    /// The types of a persona.
    Ontology(Ontology),
    /// A persona.
    Persona(Persona),
}

#[async_trait]
impl SubjectData for PersonaData {
    type Item = Kept;

    fn kinds(&self) -> &'static [&'static str] {
        &[ANNOTATIONS, ONTOLOGIES, PERSONAS]
    }

    async fn count(
        &self,
        connection: &Pool,
        users: &[UserId],
        _now: Timestamp,
    ) -> Result<Vec<(UserId, &'static str, i64)>, DbError> {
        let questions = [
            (ANNOTATIONS, annotation::counted(users)),
            (ONTOLOGIES, ontology::counted(users)),
            (PERSONAS, persona::counted(users)),
        ];
        owned::count(connection, questions).await
    }

    async fn sum(
        &self,
        connection: &Pool,
        _now: Timestamp,
    ) -> Result<Vec<(&'static str, i64)>, DbError> {
        Ok(vec![
            (ANNOTATIONS, annotation::count(connection).await?),
            (ONTOLOGIES, ontology::count(connection).await?),
            (PERSONAS, persona::count(connection).await?),
        ])
    }

    async fn export(
        &self,
        connection: &Pool,
        user: UserId,
        kind: &'static str,
        after: Option<Place>,
        limit: u64,
    ) -> Result<Vec<(Place, Kept)>, DbError> {
        Ok(match kind {
            ANNOTATIONS => annotations(connection, user, after, limit).await?,
            ONTOLOGIES => ontologies(connection, user, after, limit).await?,
            _ => personas(connection, user, after, limit).await?,
        })
    }

    /// Erases what personas hold before the personas and, with every batch,
    /// the kept answers that hold some of it: an update that came in between
    /// two batches left one behind.
    async fn erase(
        &self,
        tx: &Tx,
        user: UserId,
        limit: u64,
    ) -> Result<Vec<(&'static str, u64)>, DbError> {
        replay::forget(tx, user).await?;
        let annotations = annotation::erase(tx, user, limit).await?;
        let left = limit.saturating_sub(annotations);
        let ontologies = if left > 0 { ontology::erase(tx, user, left).await? } else { 0 };
        let left = left.saturating_sub(ontologies);
        let personas = if left > 0 { persona::erase(tx, user, left).await? } else { 0 };
        Ok(vec![(ANNOTATIONS, annotations), (ONTOLOGIES, ontologies), (PERSONAS, personas)])
    }

    async fn orphans(&self, connection: &Pool) -> Result<Vec<(&'static str, u64)>, DbError> {
        Ok(vec![
            (ANNOTATIONS, annotation::count_orphans(connection).await?),
            (ONTOLOGIES, ontology::count_orphans(connection).await?),
            (PERSONAS, persona::count_orphans(connection).await?),
        ])
    }

    /// Nothing to do: what is kept depends on neither role nor state, and a
    /// disabled user's personas are preserved.
    async fn state_changed(
        &self,
        _tx: &Tx,
        _subject: &Subject,
        _limit: u64,
    ) -> Result<u64, DbError> {
        Ok(0)
    }
}

async fn annotations(
    connection: &Pool,
    user: UserId,
    mut after: Option<Place>,
    limit: u64,
) -> Result<Vec<(Place, Kept)>, DbError> {
    loop {
        let found = annotation::export(connection, user, after, limit).await?;
        let page = &found[..fitting(&found)];
        let read = annotation::read(connection, user, page).await?;
        let placed = |it: Annotation| {
            (Place { created_at: it.created_at, id: it.id.uuid() }, Kept::Annotation(it))
        };
        // A page of things that are all gone by now is not the end.
        match page.last() {
            Some(last) if read.is_empty() => after = Some(place(last)),
            _ => return Ok(read.into_iter().map(placed).collect()),
        }
    }
}

async fn ontologies(
    connection: &Pool,
    user: UserId,
    mut after: Option<Place>,
    limit: u64,
) -> Result<Vec<(Place, Kept)>, DbError> {
    loop {
        let found = ontology::export(connection, user, after, limit).await?;
        let page = &found[..fitting(&found)];
        let read = ontology::read(connection, user, page).await?;
        let placed = |it: Ontology| {
            let created_at = it.history.map_or(Timestamp::MIN_UTC, |history| history.created_at);
            (Place { created_at, id: it.persona_id.uuid() }, Kept::Ontology(it))
        };
        match page.last() {
            Some(last) if read.is_empty() => after = Some(place(last)),
            _ => return Ok(read.into_iter().map(placed).collect()),
        }
    }
}

async fn personas(
    connection: &Pool,
    user: UserId,
    after: Option<Place>,
    limit: u64,
) -> Result<Vec<(Place, Kept)>, DbError> {
    let found = persona::export(connection, user, after, limit).await?;
    let placed =
        |it: Persona| (Place { created_at: it.created_at, id: it.id.uuid() }, Kept::Persona(it));
    Ok(found.into_iter().map(placed).collect())
}

const fn place(entry: &Entry) -> Place {
    Place { created_at: entry.cursor.created_at, id: entry.cursor.id }
}
