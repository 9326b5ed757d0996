//! The table `ontology`.

use sea_orm::entity::prelude::*;

/// An ontology that has, or had, content.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ontology")]
pub struct Model {
    /// The persona.
    #[sea_orm(primary_key, auto_increment = false)]
    pub persona_id: Uuid,
    /// Whose the persona is.
    pub user_id: Uuid,
    /// Its lists.
    pub content: Json,
    /// How many bytes the lists have.
    pub bytes: i64,
    /// When it was first given content.
    pub created_at: DateTimeUtc,
    /// When it changed last.
    pub updated_at: DateTimeUtc,
    /// Names its present state.
    pub etag: Uuid,
}

/// What an ontology belongs to: its queries go by the ids alone.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
