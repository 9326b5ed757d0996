//! Reading the ontology of a persona.

use roster_kernel::{PersonaId, UserActor};

use super::Cx;
use crate::{
    domain::Ontology,
    error::Error,
    store::{ontology, persona},
};

/// Answers the ontology of a persona of the user who calls; an empty one where
/// it never had content.
pub async fn get_ontology(cx: &Cx, user: &UserActor, id: PersonaId) -> Result<Ontology, Error> {
    let connection = cx.db.read();
    let persona =
        persona::find(connection, id, user.user_id).await?.ok_or(Error::PersonaNotFound)?;
    let found = ontology::find(connection, persona.id).await?;
    Ok(found.unwrap_or_else(|| Ontology::empty(persona.id, persona.owner)))
}
