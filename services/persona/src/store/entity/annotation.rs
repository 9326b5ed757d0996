//! The table `annotation`.

use sea_orm::entity::prelude::*;

/// An annotation.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "annotation")]
pub struct Model {
    /// The annotation's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is: the owner of the persona.
    pub user_id: Uuid,
    /// From whose point of view it was made.
    pub persona_id: Uuid,
    /// The video.
    pub video_id: String,
    /// What kind of thing is marked.
    pub kind: String,
    /// What the marked thing is.
    pub label: String,
    /// Where it is to be seen.
    pub frames: Json,
    /// How many bytes the frames have.
    pub bytes: i64,
    /// How certain it is, if anybody said.
    pub confidence: Option<f64>,
    /// What it was made by.
    pub source: String,
    /// When it was created.
    pub created_at: DateTimeUtc,
    /// When it, or its owner, changed last.
    pub updated_at: DateTimeUtc,
    /// Names its present state.
    pub etag: Uuid,
}

/// What an annotation belongs to: its queries go by the ids alone.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
