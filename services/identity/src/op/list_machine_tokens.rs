//! Listing the tokens of programs.

use super::Cx;
use crate::{
    domain::{MachineToken, MachineTokenCursor, PageRequest},
    error::Error,
    store::machine_token,
};

/// What page tokens of this list are bound to.
const QUERY: &str = "machine_tokens";

/// A page of tokens.
#[derive(Clone, Debug)]
pub struct MachineTokenPage {
    /// The tokens, newest first.
    pub tokens: Vec<MachineToken>,
    /// The token of the next page; empty on the last one.
    pub next_page_token: String,
}

/// Lists the tokens that have not ended, of all issuers, newest first.
pub async fn list_machine_tokens(cx: &Cx, page: PageRequest) -> Result<MachineTokenPage, Error> {
    let after = cursor(cx, &page.token)?;
    let (size, now) = (page.size.get(), cx.env.now());
    let mut tokens = machine_token::list(cx.db.read(), after, page.size.limit(), now).await?;
    let more = tokens.len() > size;
    tokens.truncate(size);
    let next_page_token = match tokens.last() {
        Some(last) if more => {
            let cursor = serde_json::to_string(&MachineTokenCursor::from(last));
            cx.page_tokens.seal(QUERY, &cursor.map_err(Error::Encoding)?)
        }
        Some(_) | None => String::new(),
    };
    Ok(MachineTokenPage { tokens, next_page_token })
}

fn cursor(cx: &Cx, token: &str) -> Result<Option<MachineTokenCursor>, Error> {
    if token.is_empty() {
        return Ok(None);
    }
    let cursor = cx.page_tokens.open(QUERY, token).map_err(|_| Error::InvalidPageToken)?;
    serde_json::from_str(&cursor).map(Some).map_err(|_| Error::InvalidPageToken)
}
