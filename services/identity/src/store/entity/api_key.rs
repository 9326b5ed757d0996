//! The table `api_key`.

use sea_orm::entity::prelude::*;

/// A key for a provider's API.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key")]
pub struct Model {
    /// The key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The user whose key it is; none for a key of the installation.
    pub user_id: Option<Uuid>,
    /// What it opens; one for each owner.
    pub provider: String,
    /// What the owner calls it.
    pub name: String,
    /// What is shown of the secret.
    pub mask: String,
    /// The encrypted secret.
    pub ciphertext: Vec<u8>,
    /// What was drawn for the encryption.
    pub nonce: Vec<u8>,
    /// The version of the key that it is encrypted with.
    pub key_version: i32,
    /// Whether it is handed out.
    pub active: bool,
    /// How often it was handed out.
    pub use_count: i64,
    /// When it was handed out last.
    pub last_used_at: Option<DateTimeUtc>,
    /// When it was added.
    pub created_at: DateTimeUtc,
    /// When it changed last.
    pub updated_at: DateTimeUtc,
    /// Names the present state.
    pub etag: Uuid,
}

/// Nothing is joined with keys.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
