//! The table `machine_token`.

use sea_orm::entity::prelude::*;

/// A token for a program that was issued and has not been revoked.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "machine_token")]
pub struct Model {
    /// The token's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The SHA-256 of the token; unique.
    pub token_hash: Vec<u8>,
    /// Who issued it.
    pub issuer_id: Uuid,
    /// The issuer's session epoch that it was issued under.
    pub epoch: i64,
    /// What it is for.
    pub name: String,
    /// Whether it may only look.
    pub read_only: bool,
    /// When it was issued.
    pub created_at: DateTimeUtc,
    /// From when on it is over.
    pub expires_at: DateTimeUtc,
    /// When it was used last, coarsely.
    pub last_used_at: Option<DateTimeUtc>,
}

/// What a token belongs to.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The issuer's entry in the ledger.
    #[sea_orm(
        belongs_to = "super::ledger::Entity",
        from = "Column::IssuerId",
        to = "super::ledger::Column::UserId"
    )]
    Issuer,
}

impl ActiveModelBehavior for ActiveModel {}
