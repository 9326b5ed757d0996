//! What personas and their content are: types and their invariants, without
//! any I/O.

mod annotation;
mod filter;
mod ontology;
mod page;
mod persona;
mod text;

pub use annotation::{
    Annotation, AnnotationChanges, AnnotationContent, Certainty, Confidence, Frame, FrameNumber,
    Frames, MOST_FRAMES, Pixels, VideoId,
};
pub use filter::AnnotationFilter;
pub use ontology::{
    EntityType, EventRole, EventType, History, MOST_REFERENCES, MOST_TYPES, Ontology,
    OntologyChanges, RelationType, RoleType, TypeId, repeated,
};
pub use page::{Cursor, Entry, cut, fitting};
pub use persona::{Persona, PersonaChanges, PersonaContent};
pub use text::Text;
