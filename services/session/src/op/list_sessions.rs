//! Listing live sessions, newest first.

use std::collections::HashMap;

use roster_kernel::{Caller, Deadline, PageSize, UserId};

use super::Cx;
use crate::{
    domain::{Cursor, Session, SessionFilter},
    error::Error,
    identity::UserNames,
    store::session,
};

/// Which page is asked for.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// How many sessions.
    pub size: PageSize,
    /// The token of the page before; empty for the first page.
    pub token: String,
}

/// A page of sessions.
#[derive(Clone, Debug)]
pub struct SessionPage {
    /// The sessions.
    pub sessions: Vec<Session>,
    /// The names of their users, as far as they are known.
    pub names: HashMap<UserId, UserNames>,
    /// The token of the next page; empty on the last one.
    pub next_page_token: String,
}

/// Lists the sessions of one user, for that user.
pub async fn list_own(cx: &Cx, owner: UserId, page: PageRequest) -> Result<SessionPage, Error> {
    list(cx, "own", &SessionFilter::of_user(owner), page).await
}

/// Lists the sessions of all users that match, for an administrator, with the
/// names of their users.
pub async fn list_all(
    cx: &Cx,
    caller: &Caller,
    deadline: Option<Deadline>,
    filter: &SessionFilter,
    page: PageRequest,
) -> Result<SessionPage, Error> {
    let mut page = list(cx, "all", filter, page).await?;
    let mut users: Vec<_> = page.sessions.iter().map(|session| session.user_id).collect();
    users.sort_unstable();
    users.dedup();
    page.names = cx.identity.names(caller, deadline, &users).await;
    Ok(page)
}

async fn list(
    cx: &Cx,
    scope: &str,
    filter: &SessionFilter,
    page: PageRequest,
) -> Result<SessionPage, Error> {
    let query = serde_json::to_string(&(scope, filter)).map_err(Error::Encoding)?;
    let after = cursor(cx, &query, &page.token)?;
    let limit = page.size.limit();
    let mut sessions = session::list(cx.db.read(), filter, after, limit, cx.env.now()).await?;
    let more = sessions.len() > page.size.get();
    sessions.truncate(page.size.get());
    let next_page_token = match sessions.last() {
        Some(last) if more => {
            let cursor = serde_json::to_string(&Cursor::from(last)).map_err(Error::Encoding)?;
            cx.page_tokens.seal(&query, &cursor)
        }
        Some(_) | None => String::new(),
    };
    Ok(SessionPage { sessions, names: HashMap::new(), next_page_token })
}

fn cursor(cx: &Cx, query: &str, token: &str) -> Result<Option<Cursor>, Error> {
    if token.is_empty() {
        return Ok(None);
    }
    let cursor = cx.page_tokens.open(query, token).map_err(|_| Error::InvalidPageToken)?;
    serde_json::from_str(&cursor).map(Some).map_err(|_| Error::InvalidPageToken)
}
