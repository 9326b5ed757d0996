//! One row for each change.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_event")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub at: DateTimeUtc,
    pub actor_kind: String,
    pub actor_id: String,
    pub session_id: Option<Uuid>,
    pub address: Option<String>,
    pub correlation_id: String,
    pub method: String,
    pub target: String,
    pub fields: Json,
    pub outcome: String,
    pub request_id: Option<Uuid>,
    /// Who issued the token of a machine that acted.
    pub issuer_id: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
