//! The queries of the table `guard`.

use roster_db::{DbError, Tx};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};

use super::entity::guard::{Column, Entity};
use crate::domain::Version;

const ROW: i32 = 1;

/// The right to change one entry of the ledger. While it is held, nobody else
/// changes any role or state.
#[derive(Debug)]
pub struct Turn {
    /// What versions begin with at present.
    pub incarnation: i64,
    /// The place that the change will have in the ledger.
    pub sequence: i64,
}

impl Turn {
    /// The version of what is changed: nobody else's, and newer than any
    /// before.
    pub const fn version(&self) -> Version {
        Version { incarnation: self.incarnation, number: self.sequence }
    }
}

/// Waits for the turn. Must come before anything is read that the change
/// depends upon: two administrators who remove each other would otherwise
/// each still see the other.
pub async fn take(tx: &Tx) -> Result<Turn, DbError> {
    // Writing locks the row on every engine, until the transaction ends.
    Entity::update_many()
        .col_expr(Column::LedgerSequence, Expr::col(Column::LedgerSequence).add(1))
        .filter(Column::Id.eq(ROW))
        .exec(&**tx)
        .await?;
    let Version { incarnation, number } = newest(&**tx).await?;
    Ok(Turn { incarnation, sequence: number })
}

/// What versions begin with from now on.
pub async fn begin_incarnation(tx: &Tx, incarnation: i64) -> Result<(), DbError> {
    Entity::update_many()
        .col_expr(Column::Incarnation, Expr::value(incarnation))
        .filter(Column::Id.eq(ROW))
        .exec(&**tx)
        .await?;
    Ok(())
}

/// The newest version that may have been given out.
pub async fn newest(connection: &impl ConnectionTrait) -> Result<Version, DbError> {
    let row = Entity::find_by_id(ROW).one(connection).await?.ok_or(DbError::Unexpected("guard"))?;
    Ok(Version { incarnation: row.incarnation, number: row.ledger_sequence })
}
