//! Listing keys for providers' APIs.

use super::Cx;
use crate::{
    domain::{ApiKey, Owner, PageRequest},
    error::Error,
    store::api_key,
};

/// A page of keys.
#[derive(Clone, Debug)]
pub struct ApiKeyPage {
    /// The keys.
    pub keys: Vec<ApiKey>,
    /// The token of the next page; empty on the last one.
    pub next_page_token: String,
}

/// Lists the keys of `owner`, ordered by provider.
pub async fn list_api_keys(cx: &Cx, owner: Owner, page: PageRequest) -> Result<ApiKeyPage, Error> {
    let query = format!("api_keys/{owner}");
    let after = match page.token.as_str() {
        "" => None,
        token => Some(cx.page_tokens.open(&query, token).map_err(|_| Error::InvalidPageToken)?),
    };
    let size = page.size.get();
    let mut keys = api_key::list(cx.db.read(), owner, after, page.size.limit()).await?;
    let more = keys.len() > size;
    keys.truncate(size);
    let next_page_token = match keys.last() {
        Some(last) if more => cx.page_tokens.seal(&query, last.provider.as_str()),
        Some(_) | None => String::new(),
    };
    Ok(ApiKeyPage { keys, next_page_token })
}
