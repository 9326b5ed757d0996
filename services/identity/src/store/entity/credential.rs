//! The table `credential`.

use sea_orm::entity::prelude::*;

/// What is stored of a password.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "credential")]
pub struct Model {
    /// The user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// The hash, a PHC string.
    pub hash: String,
    /// When the password was set.
    pub changed_at: DateTimeUtc,
}

/// The table stands for itself.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
