//! The table `throttle`.

use sea_orm::entity::prelude::*;

/// The failures that are remembered of something that is counted.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "throttle")]
pub struct Model {
    /// What is counted: a keyed hash.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: Vec<u8>,
    /// How many failures, as of `since`.
    pub failures: i64,
    /// From when on the time counts that forgets them.
    pub since: DateTimeUtc,
    /// Before this time there is no further attempt.
    pub blocked_until: Option<DateTimeUtc>,
    /// When all of it is forgotten.
    pub forgotten_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
