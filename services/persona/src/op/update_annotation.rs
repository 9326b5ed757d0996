//! Changing an annotation.

use roster_db::replay::{self, ReplayKey};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{AnnotationId, Caller, UserActor};

use super::Cx;
use crate::{
    domain::{Annotation, AnnotationChanges},
    error::Error,
    store::annotation,
};

/// The full name of the method.
pub const METHOD: &str = "roster.persona.v1.AnnotationService/UpdateAnnotation";

/// What is to change, and the name of the request.
#[derive(Clone, Debug)]
pub struct UpdateAnnotation {
    /// The annotation.
    pub annotation_id: AnnotationId,
    /// The new values.
    pub changes: AnnotationChanges,
    /// Which state is meant; empty for any.
    pub etag: String,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// Changes an annotation of the user who calls; answers it as it is then.
pub async fn update_annotation(
    cx: &Cx,
    caller: &Caller,
    user: &UserActor,
    command: UpdateAnnotation,
) -> Result<Annotation, Error> {
    let replay = command.replay.as_ref();
    let now = cx.env.now();
    let tx = cx.db.begin().await?;
    if let Some(updated) = replay::find(&tx, replay, now).await? {
        return Ok(updated);
    }
    let mut annotation = annotation::lock(&tx, command.annotation_id, user.user_id)
        .await?
        .ok_or(Error::AnnotationNotFound)?;
    if !annotation.etag.matches(&command.etag) {
        return Err(Error::EtagMismatch);
    }
    let fields = annotation.content.change(command.changes);
    if !fields.is_empty() {
        annotation.touch(&cx.env);
        annotation::update(&tx, &annotation).await?;
        audit::append(
            &tx,
            &cx.env,
            AuditRecord {
                caller,
                method: METHOD,
                target: annotation.id.to_string(),
                fields,
                request_id: replay.map(ReplayKey::request_id),
            },
        )
        .await?;
    }
    replay::record(&tx, replay, now, Some(annotation.owner), &annotation).await?;
    tx.commit().await?;
    Ok(annotation)
}
