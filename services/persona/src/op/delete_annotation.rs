//! Deleting an annotation.

use roster_db::replay::{self, ReplayKey};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{AnnotationId, Caller, UserActor};

use super::Cx;
use crate::{domain::Annotation, error::Error, store::annotation};

/// The full name of the method.
pub const METHOD: &str = "roster.persona.v1.AnnotationService/DeleteAnnotation";

/// Which annotation, and the name of the request.
#[derive(Clone, Debug)]
pub struct DeleteAnnotation {
    /// The annotation.
    pub annotation_id: AnnotationId,
    /// Which state is meant; empty for any.
    pub etag: String,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// Deletes an annotation of the user who calls; answers it as it was.
pub async fn delete_annotation(
    cx: &Cx,
    caller: &Caller,
    user: &UserActor,
    command: &DeleteAnnotation,
) -> Result<Annotation, Error> {
    let replay = command.replay.as_ref();
    let now = cx.env.now();
    let tx = cx.db.begin().await?;
    if let Some(deleted) = replay::find(&tx, replay, now).await? {
        return Ok(deleted);
    }
    let annotation = annotation::lock(&tx, command.annotation_id, user.user_id)
        .await?
        .ok_or(Error::AnnotationNotFound)?;
    if !annotation.etag.matches(&command.etag) {
        return Err(Error::EtagMismatch);
    }
    annotation::delete(&tx, annotation.id).await?;
    audit::append(
        &tx,
        &cx.env,
        AuditRecord {
            caller,
            method: METHOD,
            target: annotation.id.to_string(),
            fields: Vec::new(),
            request_id: replay.map(ReplayKey::request_id),
        },
    )
    .await?;
    replay::record(&tx, replay, now, Some(annotation.owner), &annotation).await?;
    tx.commit().await?;
    Ok(annotation)
}
