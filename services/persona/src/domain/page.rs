//! How a list is cut into pages: newest first, each page beginning behind the
//! last item of the page before.

use roster_kernel::{PageSize, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Persona;

/// The most bytes on a page that holds more than one item: 200 items with all
/// they may hold would be more than clients accept in one message.
const MOST_BYTES: usize = 512 * 1024;

/// The last item of a page: the next page begins behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// When that item was created.
    pub created_at: Timestamp,
    /// Its id, which orders items created at the same time.
    pub id: Uuid,
}

/// An item that a page can be cut behind.
pub trait Listed {
    /// Where it stands in the list.
    fn cursor(&self) -> Cursor;

    /// About how many bytes it has.
    fn bytes(&self) -> usize;
}

impl Listed for Persona {
    fn cursor(&self) -> Cursor {
        Cursor { created_at: self.created_at, id: self.id.uuid() }
    }

    fn bytes(&self) -> usize {
        self.content.bytes()
    }
}

/// An item that is still to be read: where it stands, and how large it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub cursor: Cursor,
    /// How many bytes it has, as it is stored.
    pub bytes: usize,
}

impl Listed for Entry {
    fn cursor(&self) -> Cursor {
        self.cursor
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Cuts what was found to a page; answers where the next page begins, if
/// there is one.
#[must_use]
pub fn cut<T: Listed>(size: PageSize, mut found: Vec<T>) -> (Vec<T>, Option<Cursor>) {
    let fitting = fitting(&found).min(size.get());
    let more = found.len() > fitting;
    found.truncate(fitting);
    let next = found.last().filter(|_| more).map(Listed::cursor);
    (found, next)
}

/// How many of the first items are read at once: as many as fit, and one in
/// any case.
#[must_use]
pub fn fitting<T: Listed>(items: &[T]) -> usize {
    let mut bytes = 0_usize;
    let fits = items.iter().enumerate().take_while(|(place, item)| {
        bytes = bytes.saturating_add(item.bytes());
        *place == 0 || bytes <= MOST_BYTES
    });
    fits.count()
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
    fn one_item_too_many_makes_a_next_page() {
        let size = PageSize::parse(3).unwrap();
        let (page, next) = cut(size, personas(4, ""));
        assert_eq!(page.len(), 3);
        assert_eq!(next, Some(page[2].cursor()));
        let (page, next) = cut(size, personas(3, ""));
        assert_eq!((page.len(), next), (3, None));
        let (page, next) = cut(size, Vec::<Persona>::new());
        assert_eq!((page.len(), next), (0, None));
    }

    #[test]
    fn large_items_make_short_pages() {
        let details = "𝄞".repeat(10_000);
        let (page, next) = cut(PageSize::parse(200).unwrap(), personas(20, &details));
        assert_eq!(page.len(), 13, "40,004 bytes each");
        assert_eq!(next, Some(page[12].cursor()));
    }

    #[test]
    fn an_item_that_is_larger_than_a_page_is_a_page() {
        let (_, env) = roster_testkit::env(1);
        let cursor = Cursor { created_at: env.now(), id: env.uuid() };
        let huge = Entry { cursor, bytes: usize::MAX };
        assert_eq!(fitting(&[huge, huge]), 1);
        let none = Entry { cursor, bytes: 0 };
        assert_eq!(fitting(&[none, huge, none]), 1);
    }
}
