//! What the tables of owned things have in common.

use std::collections::HashMap;

use roster_db::DbError;
use roster_kernel::{PersonaId, Timestamp, UserId};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Expr, SelectStatement, UnionType},
};
use uuid::Uuid;

use crate::domain::{Cursor, Entry};

/// Which of a user's things are given away: those of some personas, or all.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// Whose they are.
    pub owner: UserId,
    /// Of which personas; `None` for all.
    pub personas: Option<&'a [PersonaId]>,
}

impl Given<'_> {
    /// The rows of a table whose columns for owner and persona are these.
    pub fn condition<C: ColumnTrait>(&self, owner: C, persona: C) -> Condition {
        let of_owner = Condition::all().add(owner.eq(self.owner.uuid()));
        match self.personas {
            Some(ids) => of_owner.add(persona.is_in(ids.iter().map(|id| id.uuid()))),
            None => of_owner,
        }
    }
}

/// The question how many rows of a table each of some users has.
pub struct Counted(SelectStatement);

/// Asks it of a table whose columns for owner and id are these.
pub fn counted<E: EntityTrait>(owner: E::Column, id: E::Column, users: &[UserId]) -> Counted {
    let rows = E::find()
        .select_only()
        .column_as(owner, "owner")
        .column_as(id.count(), "count")
        .filter(owner.is_in(users.iter().map(|user| user.uuid())))
        .group_by(owner);
    Counted(rows.into_query())
}

/// The answers to several such questions, each with its kind; who has none is
/// left out. They are asked together, as whoever lists users waits for them.
pub async fn count<const N: usize>(
    connection: &impl ConnectionTrait,
    questions: [(&'static str, Counted); N],
) -> Result<Vec<(UserId, &'static str, i64)>, DbError> {
    let kinds = questions.each_ref().map(|(kind, _)| *kind);
    let numbered = (0_i32..).zip(questions).map(|(number, (_, Counted(mut question)))| {
        question.expr_as(Expr::val(number), "kind");
        question
    });
    let together = numbered.reduce(|mut all, one| {
        all.union(UnionType::All, one);
        all
    });
    let Some(together) = together else { return Ok(Vec::new()) };
    let answers = connection.query_all(&together).await?;
    let counts = answers.into_iter().map(|row| {
        let (owner, count, kind): (Uuid, i64, i32) = row.try_get_many_by_index()?;
        let kind = usize::try_from(kind).ok().and_then(|kind| kinds.get(kind));
        Ok((owner.into(), *kind.ok_or(DbError::Unexpected("kind"))?, count))
    });
    counts.collect()
}

/// Where a thing stands, to be compared with the columns that order a list.
pub fn place_of(created_at: Timestamp, id: Uuid) -> Expr {
    Expr::tuple([Expr::val(created_at), Expr::val(id)])
}

/// An entry of what a query of ids, times and sizes found.
pub fn entry_of((id, created_at, bytes): (Uuid, Timestamp, i64)) -> Entry {
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    Entry { cursor: Cursor { created_at, id }, bytes }
}

/// The rows in the order of their entries; what is gone is left out.
pub fn in_order<T>(entries: &[Entry], rows: Vec<T>, id: impl Fn(&T) -> Uuid) -> Vec<T> {
    let mut rows: HashMap<_, _> = rows.into_iter().map(|row| (id(&row), row)).collect();
    entries.iter().filter_map(|entry| rows.remove(&entry.cursor.id)).collect()
}
