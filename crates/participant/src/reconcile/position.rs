//! How far in the ledger a service has caught up.

mod entity {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "ledger_position")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub source: String,
        pub sequence: i64,
        pub incarnation: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use roster_db::{DbError, Tx};
use sea_orm::{ConnectionTrait, EntityTrait, Set, sea_query::OnConflict};

/// There is one ledger.
const SOURCE: &str = "identity";

/// A place in one incarnation of the ledger; the default is before all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The incarnation: in another one places are others.
    pub incarnation: i64,
    /// The place.
    pub sequence: i64,
}

pub async fn find(connection: &impl ConnectionTrait) -> Result<Position, DbError> {
    let row = entity::Entity::find_by_id(SOURCE.to_owned()).one(connection).await?;
    let position =
        |row: entity::Model| Position { incarnation: row.incarnation, sequence: row.sequence };
    Ok(row.map(position).unwrap_or_default())
}

pub async fn store(tx: &Tx, position: Position) -> Result<(), DbError> {
    let row = entity::ActiveModel {
        source: Set(SOURCE.to_owned()),
        sequence: Set(position.sequence),
        incarnation: Set(position.incarnation),
    };
    entity::Entity::insert(row)
        .on_conflict(
            OnConflict::column(entity::Column::Source)
                .update_columns([entity::Column::Sequence, entity::Column::Incarnation])
                .to_owned(),
        )
        .exec_without_returning(&**tx)
        .await?;
    Ok(())
}
