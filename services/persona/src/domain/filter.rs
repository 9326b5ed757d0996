//! Which annotations a list holds.

use roster_kernel::PersonaId;
use serde::Serialize;

use super::annotation::VideoId;

/// What annotations have to match; nothing matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AnnotationFilter {
    /// The persona that they were made from the point of view of.
    pub persona_id: Option<PersonaId>,
    /// The video that they are in.
    pub video_id: Option<VideoId>,
}
