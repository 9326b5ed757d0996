//! Listing users.

use std::collections::HashMap;

use roster_kernel::{Caller, UserId};

use super::{Cx, statistics};
use crate::{
    domain::{Cursor, PageRequest, User, UserFilter, UserOrder, UserStatistics},
    error::Error,
    store::user,
};

/// A page of users.
#[derive(Clone, Debug)]
pub struct UserPage {
    /// The users.
    pub users: Vec<User>,
    /// What the services keep for them, as far as they have said.
    pub statistics: HashMap<UserId, UserStatistics>,
    /// The token of the next page; empty on the last one.
    pub next_page_token: String,
}

/// Lists the users that match, in `order`.
pub async fn list_users(
    cx: &Cx,
    caller: &Caller,
    filter: &UserFilter,
    order: UserOrder,
    page: PageRequest,
) -> Result<UserPage, Error> {
    let query = serde_json::to_string(&("users", filter, order)).map_err(Error::Encoding)?;
    let after = cursor(cx, &query, &page.token)?;
    let size = page.size.get();
    let mut users = user::list(cx.db.read(), filter, order, after, page.size.limit()).await?;
    let more = users.len() > size;
    users.truncate(size);
    let next_page_token = match users.last() {
        Some(last) if more => {
            let cursor = serde_json::to_string(&order.place(last)).map_err(Error::Encoding)?;
            cx.page_tokens.seal(&query, &cursor)
        }
        Some(_) | None => String::new(),
    };
    let ids: Vec<_> = users.iter().map(User::id).collect();
    let statistics = statistics::of(cx, caller, &ids).await?;
    Ok(UserPage { users, statistics, next_page_token })
}

fn cursor(cx: &Cx, query: &str, token: &str) -> Result<Option<Cursor>, Error> {
    if token.is_empty() {
        return Ok(None);
    }
    let cursor = cx.page_tokens.open(query, token).map_err(|_| Error::InvalidPageToken)?;
    serde_json::from_str(&cursor).map(Some).map_err(|_| Error::InvalidPageToken)
}
