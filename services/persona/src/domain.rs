//! What a persona is: types and their invariants, without any I/O.

mod etag;
mod page;
mod persona;
mod text;

pub use etag::Etag;
pub use page::{Cursor, PageSize};
pub use persona::{Persona, PersonaChanges, PersonaContent};
pub use text::Text;
