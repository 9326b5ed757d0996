//! How lists are cut into pages: each begins behind the last item of the page
//! before, so that every page costs the same.

use roster_kernel::{DeletionId, PageSize, Timestamp};
use serde::{Deserialize, Serialize};

/// Which page is asked for.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// How many items.
    pub size: PageSize,
    /// The token of the page before; empty for the first page.
    pub token: String,
}

/// The deletion that a page ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionCursor {
    /// When the account was deleted.
    pub created_at: Timestamp,
    /// Which deletion, among those of the same moment.
    pub id: DeletionId,
}
