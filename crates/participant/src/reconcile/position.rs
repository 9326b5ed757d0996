//! How far in the ledger a service has caught up.

mod entity {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "ledger_position")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub source: String,
        pub sequence: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use roster_db::{DbError, Tx};
use sea_orm::{ConnectionTrait, EntityTrait, Set, sea_query::OnConflict};

/// There is one ledger.
const SOURCE: &str = "identity";

pub async fn find(connection: &impl ConnectionTrait) -> Result<i64, DbError> {
    let row = entity::Entity::find_by_id(SOURCE.to_owned()).one(connection).await?;
    Ok(row.map_or(0, |row| row.sequence))
}

pub async fn store(tx: &Tx, sequence: i64) -> Result<(), DbError> {
    let row = entity::ActiveModel { source: Set(SOURCE.to_owned()), sequence: Set(sequence) };
    entity::Entity::insert(row)
        .on_conflict(
            OnConflict::column(entity::Column::Source)
                .update_column(entity::Column::Sequence)
                .to_owned(),
        )
        .exec_without_returning(&**tx)
        .await?;
    Ok(())
}
