//! Reading one persona.

use roster_kernel::{PersonaId, UserActor};

use super::Cx;
use crate::{domain::Persona, error::Error, store::persona};

/// The persona `id` of the user who calls.
pub async fn get_persona(cx: &Cx, user: &UserActor, id: PersonaId) -> Result<Persona, Error> {
    persona::find(cx.db.read(), id, user.user_id).await?.ok_or(Error::PersonaNotFound)
}
