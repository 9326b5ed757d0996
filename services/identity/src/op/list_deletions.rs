//! Listing deletions.

use roster_kernel::UserId;

use super::{Cx, deletions};
use crate::{
    domain::{DeletionCursor, DeletionState, DeletionView, PageRequest},
    error::Error,
    store::deletion,
};

/// The most deletions that one call looks at. How far a deletion is follows
/// from its receipts, so a list that asks for it looks at each.
const MOST_LOOKED_AT: usize = 1_000;

/// How many deletions are looked at together.
const BATCH: usize = 200;

/// Which deletions.
#[derive(Clone, Copy, Debug)]
pub struct DeletionFilter {
    /// So far.
    pub state: Option<DeletionState>,
    /// Of this user.
    pub user_id: Option<UserId>,
}

/// A page of deletions.
#[derive(Clone, Debug)]
pub struct DeletionPage {
    /// The deletions, newest first.
    pub deletions: Vec<DeletionView>,
    /// The token of the next page; empty on the last one.
    pub next_page_token: String,
}

/// Lists the deletions that match, newest first.
pub async fn list_deletions(
    cx: &Cx,
    filter: DeletionFilter,
    page: PageRequest,
) -> Result<DeletionPage, Error> {
    let user = filter.user_id;
    let query = serde_json::to_string(&("deletions", filter.state, user));
    let query = query.map_err(Error::Encoding)?;
    let mut after = cursor(cx, &query, &page.token)?;
    let mut found = Vec::new();
    let mut looked_at = 0;
    let more = loop {
        let records = deletion::list(cx.db.read(), user, after, BATCH as u64).await?;
        let last_batch = records.len() < BATCH;
        looked_at += records.len();
        let mut views = deletions::views(cx, records).await?.into_iter();
        for view in views.by_ref() {
            let record = &view.record;
            after = Some(DeletionCursor { created_at: record.created_at, id: record.id });
            if filter.state.is_none_or(|state| view.state() == state) {
                found.push(view);
            }
            if found.len() == page.size.get() {
                break;
            }
        }
        if last_batch && views.len() == 0 {
            break false;
        }
        if found.len() == page.size.get() || looked_at >= MOST_LOOKED_AT {
            break true;
        }
    };
    let next_page_token = match after {
        Some(after) if more => {
            let cursor = serde_json::to_string(&after).map_err(Error::Encoding)?;
            cx.page_tokens.seal(&query, &cursor)
        }
        Some(_) | None => String::new(),
    };
    Ok(DeletionPage { deletions: found, next_page_token })
}

fn cursor(cx: &Cx, query: &str, token: &str) -> Result<Option<DeletionCursor>, Error> {
    if token.is_empty() {
        return Ok(None);
    }
    let cursor = cx.page_tokens.open(query, token).map_err(|_| Error::InvalidPageToken)?;
    serde_json::from_str(&cursor).map(Some).map_err(|_| Error::InvalidPageToken)
}
