//! What the tables of owned things have in common.

use std::collections::HashMap;

use roster_kernel::{PersonaId, Timestamp, UserId};
use sea_orm::{ColumnTrait, Condition, sea_query::Expr};
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
