//! Giving personas of one user to another.

use roster_db::{
    Tx,
    replay::{self, ReplayKey},
};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{Actor, Caller, Deadline, Etag, PersonaId, Timestamp, UserId};
use roster_participant::{
    Role, State, Version,
    subjects::{self, Admission},
};
use serde::{Deserialize, Serialize};

use super::Cx;
use crate::{
    error::Error,
    store::{annotation, ontology, owned::Given, persona},
};

/// The full name of the method.
pub const METHOD: &str = "roster.persona.v1.PersonaAdminService/TransferPersonas";

/// Which personas go from whom to whom, and the name of the request.
#[derive(Clone, Debug)]
pub struct TransferPersonas {
    /// Whose personas they are.
    pub from: UserId,
    /// Whose they are to be.
    pub to: UserId,
    /// Which; `None` for all.
    pub personas: Option<Vec<PersonaId>>,
    /// Whether only to check and to count.
    pub validate_only: bool,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// How much was given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transferred {
    /// How many personas.
    pub personas: u64,
    /// How many ontologies.
    pub ontologies: u64,
    /// How many annotations.
    pub annotations: u64,
}

/// Gives personas of one user to another, with all that they hold, for an
/// administrator.
pub async fn transfer_personas(
    cx: &Cx,
    caller: &Caller,
    deadline: Option<Deadline>,
    command: &TransferPersonas,
) -> Result<Transferred, Error> {
    // Before the transaction: nothing is locked while identity is asked. A
    // receiver who is deleted in the meantime is noticed below, or erased
    // with all that was received.
    if !cx.identity.knows(caller, deadline, command.to).await? {
        return Err(Error::UserNotFound);
    }
    let replay = command.replay.as_ref();
    let now = cx.env.now();
    let tx = cx.db.begin().await?;
    still_admin(&tx, &caller.actor).await?;
    if let Some(transferred) = replay::find(&tx, replay, now).await? {
        return Ok(transferred);
    }
    admit_both(&tx, command, now).await?;
    let transferred = give(cx, &tx, command, now).await?;
    if command.validate_only {
        // All of it was tried; dropping the transaction undoes it.
        return Ok(transferred);
    }
    // Kept answers hold personas that the first owner cannot read any more.
    replay::forget(&tx, command.from).await?;
    audit::append(
        &tx,
        &cx.env,
        AuditRecord {
            caller,
            method: METHOD,
            target: command.from.to_string(),
            fields: vec!["user_id"],
            request_id: replay.map(ReplayKey::request_id),
        },
    )
    .await?;
    replay::record(&tx, replay, now, None, &transferred).await?;
    cx.env.step("transfer_personas.prepared").await;
    tx.commit().await?;
    Ok(transferred)
}

/// Refuses where this service knows better than the call: whoever was
/// demoted, disabled or deleted since it began. A service needs no role: it is
/// let in for what is listed for it.
async fn still_admin(tx: &Tx, actor: &Actor) -> Result<(), Error> {
    let Some(admin) = actor.user_id() else { return Ok(()) };
    let Some(known) = subjects::find(&**tx, admin).await? else { return Ok(()) };
    // A row that no announcement has reached says nothing about the role.
    let told = known.version != Version::default();
    let is_admin = known.role == Role::Admin && known.state == State::Active;
    if told && !is_admin { Err(Error::AdminRequired) } else { Ok(()) }
}

/// Locks both users, so that a deletion of either is seen here or waits. In
/// the order of their ids, whoever gives: two transfers in opposite
/// directions would otherwise wait for each other.
async fn admit_both(tx: &Tx, command: &TransferPersonas, now: Timestamp) -> Result<(), Error> {
    let mut users = [command.from, command.to];
    users.sort_unstable();
    for user in users {
        match subjects::admit(tx, user, now).await? {
            Admission::Alive(_) => {}
            // What a deleted user kept is being erased: it is not rescued.
            Admission::Deleted => return Err(Error::UserNotFound),
        }
    }
    Ok(())
}

/// One statement for each table: all of it is given, or nothing.
async fn give(
    cx: &Cx,
    tx: &Tx,
    command: &TransferPersonas,
    now: Timestamp,
) -> Result<Transferred, Error> {
    let which = Given { owner: command.from, personas: command.personas.as_deref() };
    let etag = || Etag::generate(&cx.env);
    let personas = persona::give(tx, &which, command.to, etag(), now).await?;
    if command.personas.as_ref().is_some_and(|asked| asked.len() as u64 != personas) {
        return Err(Error::PersonaNotFound);
    }
    let ontologies = ontology::give(tx, &which, command.to, etag(), now).await?;
    let annotations = annotation::give(tx, &which, command.to, etag(), now).await?;
    Ok(Transferred { personas, ontologies, annotations })
}
