//! Listing personas, newest first.

use roster_kernel::{InvalidPageToken, PageSize, UserId};

use super::Cx;
use crate::{
    domain::{self, Persona},
    error::Error,
    store::persona,
};

/// Which page is asked for.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// How many personas.
    pub size: PageSize,
    /// The token of the page before; empty for the first page.
    pub token: String,
}

/// A page of personas.
#[derive(Clone, Debug)]
pub struct PersonaPage {
    /// The personas.
    pub personas: Vec<Persona>,
    /// The token of the next page; empty on the last one.
    pub next_page_token: String,
}

/// Lists the personas of one user, for that user.
pub async fn list_own(
    cx: &Cx,
    owner: UserId,
    include_hidden: bool,
    page: PageRequest,
) -> Result<PersonaPage, Error> {
    list(cx, "own", owner, include_hidden, page).await
}

/// Lists all personas of one user, for an administrator.
pub async fn list_user(cx: &Cx, owner: UserId, page: PageRequest) -> Result<PersonaPage, Error> {
    list(cx, "user", owner, true, page).await
}

async fn list(
    cx: &Cx,
    scope: &str,
    owner: UserId,
    include_hidden: bool,
    page: PageRequest,
) -> Result<PersonaPage, Error> {
    // All that was asked for: a token continues nothing else.
    let query = format!("personas/{scope}/{owner}/{include_hidden}");
    let after = match page.token.as_str() {
        "" => None,
        token => {
            let cursor = cx.page_tokens.open(&query, token)?;
            Some(serde_json::from_str(&cursor).map_err(|_| InvalidPageToken)?)
        }
    };
    let limit = page.size.limit();
    let found = persona::list(cx.db.read(), owner, include_hidden, after, limit).await?;
    let (personas, next) = domain::cut(page.size, found);
    let next_page_token = match next {
        Some(cursor) => {
            let cursor = serde_json::to_string(&cursor).map_err(Error::Encoding)?;
            cx.page_tokens.seal(&query, &cursor)
        }
        None => String::new(),
    };
    Ok(PersonaPage { personas, next_page_token })
}
