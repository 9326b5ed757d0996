//! Deleting a persona, with its ontology and its annotations.

use roster_db::replay::{self, ReplayKey};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{Caller, PersonaId, UserActor};

use super::Cx;
use crate::{
    domain::Persona,
    error::Error,
    store::{annotation, ontology, persona},
};

/// The full name of the method.
pub const METHOD: &str = "roster.persona.v1.PersonaService/DeletePersona";

/// Which persona, and the name of the request.
#[derive(Clone, Debug)]
pub struct DeletePersona {
    /// The persona.
    pub persona_id: PersonaId,
    /// Which state is meant; empty for any.
    pub etag: String,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// Deletes a persona of the user who calls; answers it as it was.
pub async fn delete_persona(
    cx: &Cx,
    caller: &Caller,
    user: &UserActor,
    command: &DeletePersona,
) -> Result<Persona, Error> {
    let replay = command.replay.as_ref();
    let now = cx.env.now();
    let tx = cx.db.begin().await?;
    if let Some(deleted) = replay::find(&tx, replay, now).await? {
        return Ok(deleted);
    }
    let persona = persona::lock(&tx, command.persona_id, user.user_id)
        .await?
        .ok_or(Error::PersonaNotFound)?;
    if !persona.etag.matches(&command.etag) {
        return Err(Error::EtagMismatch);
    }
    annotation::delete_of_persona(&tx, persona.id).await?;
    ontology::delete(&tx, persona.id).await?;
    persona::delete(&tx, persona.id).await?;
    audit::append(
        &tx,
        &cx.env,
        AuditRecord {
            caller,
            method: METHOD,
            target: persona.id.to_string(),
            fields: Vec::new(),
            request_id: replay.map(ReplayKey::request_id),
        },
    )
    .await?;
    replay::record(&tx, replay, now, Some(persona.owner), &persona).await?;
    tx.commit().await?;
    Ok(persona)
}
