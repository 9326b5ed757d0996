//! The table `ledger`.

use sea_orm::entity::prelude::*;

/// The last state of a user, deleted or not; never removed.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger")]
pub struct Model {
    /// The user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// The incarnation part of the version.
    pub incarnation: i64,
    /// The number part of the version.
    pub number: i64,
    /// Sessions opened under a lower epoch are over.
    pub session_epoch: i64,
    /// Whether the user is, or was, an administrator.
    pub is_admin: bool,
    /// The state, under its stored name.
    pub state: String,
    /// Whether a new password has to be chosen first.
    pub password_change_required: bool,
    /// The place of this state among all changes; unique.
    pub sequence: i64,
}

/// The table stands for itself.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
