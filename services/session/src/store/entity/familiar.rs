//! The table `familiar`.

use sea_orm::entity::prelude::*;

/// An address that a user has signed in from.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "familiar")]
pub struct Model {
    /// The account and the address: a keyed hash.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: Vec<u8>,
    /// Whose account it is.
    pub user_id: Uuid,
    /// When they last signed in from there, to within a day.
    pub seen_at: DateTimeUtc,
}

/// It refers to nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
