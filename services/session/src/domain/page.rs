//! How a list of sessions is cut into pages: newest first, each page beginning
//! behind the last session of the page before.

use roster_kernel::{SessionId, Timestamp};
use serde::{Deserialize, Serialize};

use super::Session;

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
