//! Continuing a list where the page before ended.

use roster_kernel::{InvalidPageToken, PageSize};

use super::Cx;
use crate::{domain::Cursor, error::Error};

/// Which page is asked for.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// How many items.
    pub size: PageSize,
    /// The token of the page before; empty for the first page.
    pub token: String,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The token of the next page; empty on the last one.
    pub next_page_token: String,
}

impl PageRequest {
    /// Where the page begins. `query` is all that is asked for: a token
    /// continues nothing else.
    pub fn after(&self, cx: &Cx, query: &str) -> Result<Option<Cursor>, Error> {
        if self.token.is_empty() {
            return Ok(None);
        }
        let cursor = cx.page_tokens.open(query, &self.token)?;
        Ok(Some(serde_json::from_str(&cursor).map_err(|_| InvalidPageToken)?))
    }
}

impl<T> Page<T> {
    /// A page of the answer to `query`, and the way to the one at `next`.
    pub fn new(cx: &Cx, query: &str, items: Vec<T>, next: Option<Cursor>) -> Result<Self, Error> {
        let next_page_token = match next {
            Some(cursor) => {
                let cursor = serde_json::to_string(&cursor).map_err(Error::Encoding)?;
                cx.page_tokens.seal(query, &cursor)
            }
            None => String::new(),
        };
        Ok(Self { items, next_page_token })
    }
}
