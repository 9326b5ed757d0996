//! Changing the ontology of a persona.

use roster_db::replay::{self, ReplayKey};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{Caller, PersonaId, UserActor};
use roster_participant::subjects::{self, Admission};

use super::Cx;
use crate::{
    domain::{Ontology, OntologyChanges},
    error::Error,
    store::{ontology, persona},
};

/// The full name of the method.
pub const METHOD: &str = "roster.persona.v1.OntologyService/UpdateOntology";

/// Which lists are replaced, and the name of the request.
#[derive(Clone, Debug)]
pub struct UpdateOntology {
    /// The persona.
    pub persona_id: PersonaId,
    /// The new lists.
    pub changes: OntologyChanges,
    /// Which state is meant; empty for any.
    pub etag: String,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// Replaces lists of the ontology of a persona of the user who calls; answers
/// it as it is then.
pub async fn update_ontology(
    cx: &Cx,
    caller: &Caller,
    user: &UserActor,
    command: UpdateOntology,
) -> Result<Ontology, Error> {
    let replay = command.replay.as_ref();
    let now = cx.env.now();
    let tx = cx.db.begin().await?;
    // The first content is something created: not behind a deletion's back.
    match subjects::admit(&tx, user.user_id, now).await? {
        Admission::Alive(_) => {}
        Admission::Deleted => return Err(Error::AccountDeleted),
    }
    if let Some(updated) = replay::find(&tx, replay, now).await? {
        return Ok(updated);
    }
    // Locked: its deletion and its transfer wait, and take the content along.
    let persona = persona::lock(&tx, command.persona_id, user.user_id)
        .await?
        .ok_or(Error::PersonaNotFound)?;
    let found = ontology::find(&*tx, persona.id).await?;
    let mut ontology = found.unwrap_or_else(|| Ontology::empty(persona.id, persona.owner));
    if !ontology.matches(&command.etag) {
        return Err(Error::EtagMismatch);
    }
    let fields = ontology.content.change(command.changes);
    if !fields.is_empty() {
        let history = ontology.touch(&cx.env);
        ontology::store(&tx, &ontology, history).await?;
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
    replay::record(&tx, replay, now, Some(persona.owner), &ontology).await?;
    tx.commit().await?;
    Ok(ontology)
}
