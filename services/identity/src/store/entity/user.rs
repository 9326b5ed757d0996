//! The table `user`.

use sea_orm::entity::prelude::*;

/// The profile of a user that exists; role and state are in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user")]
pub struct Model {
    /// The user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The username in its mapped form; unique.
    pub username: String,
    /// What the username looks like. Not unique: accounts from before it was
    /// looked at may look alike.
    pub skeleton: String,
    /// What others see.
    pub display_name: String,
    /// Where the user can be written to; empty where it is not known.
    pub email: String,
    /// What searches look at: all texts, folded.
    pub search_text: String,
    /// Names the present state.
    pub etag: Uuid,
    /// When the account was created.
    pub created_at: DateTimeUtc,
    /// When it changed last.
    pub updated_at: DateTimeUtc,
    /// When the user signed in last. The beginning of 1970 stands for never:
    /// rows are compared by it, and nothing compares with null.
    pub last_login_at: DateTimeUtc,
}

/// What belongs to a user.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The user's entry in the ledger.
    #[sea_orm(
        belongs_to = "super::ledger::Entity",
        from = "Column::Id",
        to = "super::ledger::Column::UserId"
    )]
    Ledger,
}

impl Related<super::ledger::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Ledger.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
