//! The queries of the table `guard`.

use roster_db::{DbError, Tx};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};

use super::entity::guard::{Column, Entity};

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
    let row = Entity::find_by_id(ROW).one(&**tx).await?.ok_or(DbError::Unexpected("guard"))?;
    Ok(Turn { incarnation: row.incarnation, sequence: row.ledger_sequence })
}
