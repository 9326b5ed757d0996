//! Reading an annotation.

use roster_kernel::{AnnotationId, UserActor};

use super::Cx;
use crate::{domain::Annotation, error::Error, store::annotation};

/// Answers an annotation of the user who calls.
pub async fn get_annotation(
    cx: &Cx,
    user: &UserActor,
    id: AnnotationId,
) -> Result<Annotation, Error> {
    annotation::find(cx.db.read(), id, user.user_id).await?.ok_or(Error::AnnotationNotFound)
}
