//! How a list of personas is cut into pages: newest first, each page beginning
//! behind the last persona of the page before.

use roster_kernel::{PageSize, PersonaId, Timestamp};
use serde::{Deserialize, Serialize};

use super::Persona;

/// The most bytes of text on a page that holds more than one persona: 200
/// personas with all they may hold would be more than clients accept in one
/// message.
const MOST_BYTES: usize = 512 * 1024;

/// Cuts what was found to a page; answers where the next page begins, if
/// there is one.
#[must_use]
pub fn cut(size: PageSize, mut found: Vec<Persona>) -> (Vec<Persona>, Option<Cursor>) {
    let mut bytes = 0;
    let fitting = found
        .iter()
        .take(size.get())
        .take_while(|persona| {
            let first = bytes == 0;
            bytes += persona.content.bytes();
            first || bytes <= MOST_BYTES
        })
        .count();
    let more = found.len() > fitting;
    found.truncate(fitting);
    let next = found.last().filter(|_| more).map(Cursor::from);
    (found, next)
}

/// The last persona of a page: the next page begins behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// When that persona was created.
    pub created_at: Timestamp,
    /// Its id, which orders personas created at the same time.
    pub id: PersonaId,
}

impl From<&Persona> for Cursor {
    fn from(persona: &Persona) -> Self {
        Self { created_at: persona.created_at, id: persona.id }
    }
}

#[cfg(test)]
mod tests {
    use roster_kernel::UserId;

    use super::*;
    use crate::domain::{PersonaContent, Text};

    fn personas(count: usize, details: &str) -> Vec<Persona> {
        let (_, env) = roster_testkit::env(1);
        let owner = UserId::generate(&env);
        let persona = || {
            let content = PersonaContent {
                name: Text::parse("name").unwrap(),
                role: Text::default(),
                information_need: Text::default(),
                details: Text::parse(details).unwrap(),
                hidden: false,
                is_system_generated: false,
            };
            Persona::new(&env, owner, content)
        };
        std::iter::repeat_with(persona).take(count).collect()
    }

    #[test]
    fn one_persona_too_many_makes_a_next_page() {
        let size = PageSize::parse(3).unwrap();
        let (page, next) = cut(size, personas(4, ""));
        assert_eq!(page.len(), 3);
        assert_eq!(next, Some(Cursor::from(&page[2])));
        let (page, next) = cut(size, personas(3, ""));
        assert_eq!((page.len(), next), (3, None));
        let (page, next) = cut(size, Vec::new());
        assert_eq!((page.len(), next), (0, None));
    }

    #[test]
    fn large_personas_make_short_pages() {
        let details = "𝄞".repeat(10_000);
        let (page, next) = cut(PageSize::parse(200).unwrap(), personas(20, &details));
        assert_eq!(page.len(), 13, "40,004 bytes each");
        assert_eq!(next, Some(Cursor::from(&page[12])));
    }
}
