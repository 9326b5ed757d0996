//! The audit trail: who changed what, recorded in the transaction of the
//! change.

mod entity;

use roster_db::{DbError, Tx};
use roster_kernel::{Actor, Caller, Env, RequestId};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Set};

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

/// One change that was made at the terminal of the machine, and not by a call.
#[derive(Clone, Debug)]
pub struct OperatorRecord {
    /// In which capacity, such as `recovery`: who it was is not known.
    pub operator: &'static str,
    /// What was done, named like a method.
    pub method: &'static str,
    /// The id of what was changed.
    pub target: String,
    /// The names of the changed fields, never their values.
    pub fields: Vec<&'static str>,
}

/// Appends what an operator has changed, if and only if `tx` commits.
pub async fn append_operator(tx: &Tx, env: &Env, record: OperatorRecord) -> Result<(), DbError> {
    let row = entity::ActiveModel {
        id: Set(env.uuid()),
        at: Set(env.now()),
        actor_kind: Set("operator".to_owned()),
        actor_id: Set(record.operator.to_owned()),
        session_id: Set(None),
        address: Set(None),
        correlation_id: Set(String::new()),
        method: Set(record.method.to_owned()),
        target: Set(record.target),
        fields: Set(record.fields.into()),
        outcome: Set("OK".to_owned()),
        request_id: Set(None),
        issuer_id: Set(None),
    };
    row.insert(&**tx).await?;
    Ok(())
}

/// Appends a record, if and only if `tx` commits.
pub async fn append(tx: &Tx, env: &Env, record: AuditRecord<'_>) -> Result<(), DbError> {
    let caller = record.caller;
    let (actor_kind, actor_id, session_id, issuer_id) = match &caller.actor {
        Actor::Anonymous => ("anonymous", String::new(), None, None),
        Actor::User(user) => ("user", user.user_id.to_string(), Some(user.session_id), None),
        Actor::Machine(machine) => {
            ("machine", machine.token_id.to_string(), None, Some(machine.issuer_id))
        }
        Actor::Service(name) => ("service", name.to_string(), None, None),
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
        issuer_id: Set(issuer_id.map(roster_kernel::UserId::uuid)),
    };
    row.insert(&**tx).await?;
    Ok(())
}

/// Whether there is a record of `method` about `target`. Reads the whole trail:
/// for what happens once in a long while.
pub async fn is_noted(tx: &Tx, method: &str, target: &str) -> Result<bool, DbError> {
    let found = entity::Entity::find()
        .filter(entity::Column::Method.eq(method))
        .filter(entity::Column::Target.eq(target))
        .limit(1)
        .one(&**tx)
        .await?;
    Ok(found.is_some())
}
