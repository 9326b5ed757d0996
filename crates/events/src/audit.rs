//! The audit trail: who changed what, recorded in the transaction of the
//! change.

mod entity;

use roster_db::{DbError, Tx};
use roster_kernel::{Actor, Caller, Env, RequestId};
use sea_orm::{ActiveModelTrait, Set};

/// One change.
#[derive(Clone, Debug)]
pub struct AuditRecord<'a> {
    /// Who made it, and from where.
    pub caller: &'a Caller,
    /// The full name of the method, such as
    /// `roster.identity.v1.UserAdminService/DeleteUser`.
    pub method: &'static str,
    /// The id of what was changed.
    pub target: String,
    /// The names of the changed fields, never their values.
    pub fields: Vec<&'static str>,
    /// The client's name for the mutation, if it gave one.
    pub request_id: Option<RequestId>,
}

/// Appends a record, if and only if `tx` commits.
pub async fn append(tx: &Tx, env: &Env, record: AuditRecord<'_>) -> Result<(), DbError> {
    let caller = record.caller;
    let (actor_kind, actor_id, session_id) = match &caller.actor {
        Actor::Anonymous => ("anonymous", String::new(), None),
        Actor::User(user) => ("user", user.user_id.to_string(), Some(user.session_id)),
        Actor::Service(name) => ("service", name.to_string(), None),
    };
    let row = entity::ActiveModel {
        id: Set(env.uuid()),
        at: Set(env.now()),
        actor_kind: Set(actor_kind.to_owned()),
        actor_id: Set(actor_id),
        session_id: Set(session_id.map(roster_kernel::SessionId::uuid)),
        address: Set(caller.origin.address.map(|address| address.to_string())),
        correlation_id: Set(caller.correlation_id.clone()),
        method: Set(record.method.to_owned()),
        target: Set(record.target),
        fields: Set(record.fields.into()),
        outcome: Set("OK".to_owned()),
        request_id: Set(record.request_id.map(RequestId::uuid)),
    };
    row.insert(&**tx).await?;
    Ok(())
}
