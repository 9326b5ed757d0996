//! The table `guard`.

use sea_orm::entity::prelude::*;

/// The one row that every change of roles, states and accounts goes through.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "guard")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// Raised when the service is restored from a backup.
    pub incarnation: i64,
    /// The last sequence that a ledger entry was given.
    pub ledger_sequence: i64,
}

/// The table stands for itself.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
