//! The table `deletion`.

use sea_orm::entity::prelude::*;

/// The deletion of a user; never removed.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deletion")]
pub struct Model {
    /// The deletion.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Who was deleted; unique.
    pub user_id: Uuid,
    /// The event that tells the participants.
    pub event_id: Uuid,
    /// The administrator who did it; nil where it was found out from the other
    /// services.
    pub requested_by: Uuid,
    /// When the account was deleted.
    pub created_at: DateTimeUtc,
    /// How many rows of each kind this service itself has erased.
    pub erased: Json,
}

/// The table stands for itself.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
