//! Changing a persona.

use roster_db::replay::{self, ReplayKey};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{Caller, PersonaId, UserActor};

use super::Cx;
use crate::{
    domain::{Persona, PersonaChanges},
    error::Error,
    store::persona,
};

/// The full name of the method.
pub const METHOD: &str = "roster.persona.v1.PersonaService/UpdatePersona";

/// What is to change, and the name of the request.
#[derive(Clone, Debug)]
pub struct UpdatePersona {
    /// The persona.
    pub persona_id: PersonaId,
    /// The new values.
    pub changes: PersonaChanges,
    /// Which state is meant; empty for any.
    pub etag: String,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// Changes a persona of the user who calls; answers it as it is then.
pub async fn update_persona(
    cx: &Cx,
    caller: &Caller,
    user: &UserActor,
    command: UpdatePersona,
) -> Result<Persona, Error> {
    let replay = command.replay.as_ref();
    let now = cx.env.now();
    let tx = cx.db.begin().await?;
    if let Some(updated) = replay::find(&tx, replay, now).await? {
        return Ok(updated);
    }
    let mut persona = persona::lock(&tx, command.persona_id, user.user_id)
        .await?
        .ok_or(Error::PersonaNotFound)?;
    let before = persona.content.clone();
    let fields = persona.content.change(command.changes);
    if persona.content.needs_admin(Some(&before)) && !user.is_admin {
        return Err(Error::AdminRequired);
    }
    if !persona.etag.matches(&command.etag) {
        return Err(Error::EtagMismatch);
    }
    if !fields.is_empty() {
        persona.touch(&cx.env);
        persona::update(&tx, &persona).await?;
        audit::append(
            &tx,
            &cx.env,
            AuditRecord {
                caller,
                method: METHOD,
                target: persona.id.to_string(),
                fields,
                request_id: replay.map(ReplayKey::request_id),
            },
        )
        .await?;
    }
    replay::record(&tx, replay, now, Some(persona.owner), &persona).await?;
    tx.commit().await?;
    Ok(persona)
}
