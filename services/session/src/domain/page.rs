//! How a list of sessions is cut into pages: newest first, each page beginning
//! behind the last session of the page before.

use roster_kernel::{SessionId, Timestamp};
use serde::{Deserialize, Serialize};

use super::Session;

const DEFAULT: u32 = 50;
const MOST: u32 = 200;

/// A negative page size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must not be negative")]
pub struct InvalidPageSize;

/// How many sessions make a page: 1 to 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize(u32);

impl Default for PageSize {
    fn default() -> Self {
        Self(DEFAULT)
    }
}

impl PageSize {
    /// Reads what was asked for: 0 is the default of 50, and more than 200 is
    /// taken as 200.
    pub fn parse(asked: i32) -> Result<Self, InvalidPageSize> {
        match u32::try_from(asked).map_err(|_| InvalidPageSize)? {
            0 => Ok(Self::default()),
            size => Ok(Self(size.min(MOST))),
        }
    }

    /// The number of sessions.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// The last session of a page: the next page begins behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// When that session was opened.
    pub created_at: Timestamp,
    /// Its id, which orders sessions opened at the same time.
    pub id: SessionId,
}

impl From<&Session> for Cursor {
    fn from(session: &Session) -> Self {
        Self { created_at: session.created_at, id: session.id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_default_and_an_upper_bound() {
        let size = |asked| PageSize::parse(asked).map(PageSize::get);
        assert_eq!(size(0), Ok(50));
        assert_eq!(size(1), Ok(1));
        assert_eq!(size(200), Ok(200));
        assert_eq!(size(201), Ok(200));
        assert_eq!(size(i32::MAX), Ok(200));
        assert_eq!(size(-1), Err(InvalidPageSize));
        assert_eq!(size(i32::MIN), Err(InvalidPageSize));
    }
}
