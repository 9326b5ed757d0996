//! Listing annotations, newest first.

use roster_kernel::UserId;

use super::{
    Cx,
    page::{Page, PageRequest},
};
use crate::{
    domain::{self, Annotation, AnnotationFilter},
    error::Error,
    store::annotation,
};

/// Lists the annotations of one user, for that user.
pub async fn list_own(
    cx: &Cx,
    owner: UserId,
    filter: AnnotationFilter,
    page: PageRequest,
) -> Result<Page<Annotation>, Error> {
    list(cx, "own", owner, &filter, page).await
}

/// Lists the annotations of one user, for an administrator.
pub async fn list_user(
    cx: &Cx,
    owner: UserId,
    filter: AnnotationFilter,
    page: PageRequest,
) -> Result<Page<Annotation>, Error> {
    list(cx, "user", owner, &filter, page).await
}

async fn list(
    cx: &Cx,
    scope: &str,
    owner: UserId,
    filter: &AnnotationFilter,
    page: PageRequest,
) -> Result<Page<Annotation>, Error> {
    let asked = serde_json::to_string(filter).map_err(Error::Encoding)?;
    let query = format!("annotations/{scope}/{owner}/{asked}");
    let after = page.after(cx, &query)?;
    let found = annotation::list(cx.db.read(), owner, filter, after, page.size.limit()).await?;
    let (entries, next) = domain::cut(page.size, found);
    let annotations = annotation::read(cx.db.read(), owner, &entries).await?;
    Page::new(cx, &query, annotations, next)
}
