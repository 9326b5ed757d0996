//! What a persona is: types and their invariants, without any I/O.

mod page;
mod persona;
mod text;

pub use page::{Cursor, cut};
pub use persona::{Persona, PersonaChanges, PersonaContent};
pub use text::Text;
