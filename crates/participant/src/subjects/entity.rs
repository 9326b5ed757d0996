//! One row for each user that the service knows of, deleted ones included,
//! for good: they are what keeps a late creation out.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "subject")]
pub struct Model {
    /// The user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// The version's incarnation.
    pub incarnation: i64,
    /// The version's number.
    pub number: i64,
    /// Sessions opened under a lower epoch are over.
    pub session_epoch: i64,
    /// Whether the user is an administrator.
    pub is_admin: bool,
    /// The state, under its stored name.
    pub state: String,
    /// Whether a new password has to be chosen first.
    pub password_change_required: bool,
    /// How many rows of each kind have been erased so far.
    pub erased: Option<Json>,
    /// When nothing was left to erase.
    pub erased_at: Option<DateTimeUtc>,
    /// When the row was last written.
    pub updated_at: DateTimeUtc,
}

/// The table stands for itself.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
