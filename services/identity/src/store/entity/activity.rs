//! The table `activity`.

use sea_orm::entity::prelude::*;

/// How often something happened on one day.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "activity")]
pub struct Model {
    /// The day, UTC.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: Date,
    /// How many accounts were created.
    pub sign_ups: i64,
    /// How often somebody signed in.
    pub logins: i64,
}

/// The table stands for itself.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
