//! Creating a persona.

use roster_db::replay::{self, ReplayKey};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{Caller, UserActor};
use roster_participant::subjects::{self, Admission};

use super::Cx;
use crate::{
    domain::{Persona, PersonaContent},
    error::Error,
    store::persona,
};

/// The full name of the method.
pub const METHOD: &str = "roster.persona.v1.PersonaService/CreatePersona";

/// What the persona is to be like, and the name of the request.
#[derive(Clone, Debug)]
pub struct CreatePersona {
    /// What it is to hold.
    pub content: PersonaContent,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// Creates a persona of the user who calls.
pub async fn create_persona(
    cx: &Cx,
    caller: &Caller,
    user: &UserActor,
    command: CreatePersona,
) -> Result<Persona, Error> {
    if command.content.needs_admin(None) && !user.is_admin {
        return Err(Error::AdminRequired);
    }
    let replay = command.replay.as_ref();
    let now = cx.env.now();
    let tx = cx.db.begin().await?;
    // First of all, and it locks: a deletion of the user is either seen here
    // or waits, and then erases what is created here.
    match subjects::admit(&tx, user.user_id, now).await? {
        Admission::Alive(_) => {}
        Admission::Deleted => return Err(Error::AccountDeleted),
    }
    if let Some(created) = replay::find(&tx, replay, now).await? {
        return Ok(created);
    }
    let created = Persona::new(&cx.env, user.user_id, command.content);
    persona::insert(&tx, &created).await?;
    audit::append(
        &tx,
        &cx.env,
        AuditRecord {
            caller,
            method: METHOD,
            target: created.id.to_string(),
            fields: Vec::new(),
            request_id: replay.map(ReplayKey::request_id),
        },
    )
    .await?;
    replay::record(&tx, replay, now, Some(created.owner), &created).await?;
    tx.commit().await?;
    Ok(created)
}
