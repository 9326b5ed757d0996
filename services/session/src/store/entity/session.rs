//! The table `session`.

use sea_orm::entity::prelude::*;

/// A session that was opened and has not been ended.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    /// The session's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The SHA-256 of its token; unique.
    pub token_hash: Vec<u8>,
    /// Who signed in.
    pub user_id: Uuid,
    /// The user's session epoch that it was opened under.
    pub epoch: i64,
    /// When it was opened.
    pub created_at: DateTimeUtc,
    /// From when on it is over.
    pub expires_at: DateTimeUtc,
    /// When it was last used, coarsely.
    pub last_seen_at: DateTimeUtc,
    /// The canonical address it was opened from.
    pub address: Option<String>,
    /// What the client called itself.
    pub user_agent: String,
}

/// What a session belongs to.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The user, as this service knows them.
    #[sea_orm(
        belongs_to = "roster_participant::subjects::entity::Entity",
        from = "Column::UserId",
        to = "roster_participant::subjects::entity::Column::UserId"
    )]
    Subject,
}

impl ActiveModelBehavior for ActiveModel {}
