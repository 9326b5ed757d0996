//! The table `participant`.

use sea_orm::entity::prelude::*;

/// A service that joined while the installation was running.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "participant")]
pub struct Model {
    /// Its name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// Where it is: a list of `host:port`.
    pub addresses: Json,
    /// Since when events wait for it.
    pub added_at: DateTimeUtc,
    /// How far it has been told of the users there were.
    pub replayed_to: i64,
    /// When it had been told of all of them.
    pub replayed_at: Option<DateTimeUtc>,
}

/// The table stands for itself.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
