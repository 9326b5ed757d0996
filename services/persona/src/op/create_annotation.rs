//! Creating an annotation.

use roster_db::replay::{self, ReplayKey};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{Caller, PersonaId, UserActor};
use roster_participant::subjects::{self, Admission};

use super::Cx;
use crate::{
    domain::{Annotation, AnnotationContent, VideoId},
    error::Error,
    store::{annotation, persona},
};

/// The full name of the method.
pub const METHOD: &str = "roster.persona.v1.AnnotationService/CreateAnnotation";

/// What the annotation is to be like, and the name of the request.
#[derive(Clone, Debug)]
pub struct CreateAnnotation {
    /// From whose point of view it is made.
    pub persona_id: PersonaId,
    /// The video.
    pub video_id: VideoId,
    /// What it is to hold.
    pub content: AnnotationContent,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// Creates an annotation of the user who calls.
pub async fn create_annotation(
    cx: &Cx,
    caller: &Caller,
    user: &UserActor,
    command: CreateAnnotation,
) -> Result<Annotation, Error> {
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
    // The persona the same way: its deletion and its transfer take along what
    // is created here.
    let persona = persona::lock(&tx, command.persona_id, user.user_id)
        .await?
        .ok_or(Error::PersonaNotFound)?;
    let (video, content) = (command.video_id, command.content);
    let created = Annotation::new(&cx.env, persona.owner, persona.id, video, content);
    annotation::insert(&tx, &created).await?;
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
