//! Listing personas, newest first.

use roster_kernel::UserId;

use super::{
    Cx,
    page::{Page, PageRequest},
};
use crate::{
    domain::{self, Persona},
    error::Error,
    store::persona,
};

/// Lists the personas of one user, for that user.
pub async fn list_own(
    cx: &Cx,
    owner: UserId,
    include_hidden: bool,
    page: PageRequest,
) -> Result<Page<Persona>, Error> {
    list(cx, "own", owner, include_hidden, page).await
}

/// Lists all personas of one user, for an administrator.
pub async fn list_user(cx: &Cx, owner: UserId, page: PageRequest) -> Result<Page<Persona>, Error> {
    list(cx, "user", owner, true, page).await
}

async fn list(
    cx: &Cx,
    scope: &str,
    owner: UserId,
    include_hidden: bool,
    page: PageRequest,
) -> Result<Page<Persona>, Error> {
    let query = format!("personas/{scope}/{owner}/{include_hidden}");
    let after = page.after(cx, &query)?;
    let limit = page.size.limit();
    let found = persona::list(cx.db.read(), owner, include_hidden, after, limit).await?;
    let (personas, next) = domain::cut(page.size, found);
    Page::new(cx, &query, personas, next)
}
