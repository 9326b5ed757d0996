//! The table `persona`.

use sea_orm::entity::prelude::*;

/// A persona.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "persona")]
pub struct Model {
    /// The persona's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// What it is called.
    pub name: String,
    /// What it does.
    pub role: String,
    /// What it needs to find out.
    pub information_need: String,
    /// Whatever else is worth knowing.
    pub details: String,
    /// Whether its owner's lists leave it out unless asked for it.
    pub hidden: bool,
    /// Whether the platform made it.
    pub is_system_generated: bool,
    /// When it was created.
    pub created_at: DateTimeUtc,
    /// When it changed last.
    pub updated_at: DateTimeUtc,
    /// Names its present state.
    pub etag: Uuid,
}

/// What a persona belongs to: nothing of this database.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
