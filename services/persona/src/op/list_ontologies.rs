//! Listing the ontologies of a user, newest first.

use roster_kernel::UserId;

use super::{
    Cx,
    page::{Page, PageRequest},
};
use crate::{
    domain::{self, Ontology},
    error::Error,
    store::ontology,
};

/// Lists the ontologies of one user that were ever given content, for an
/// administrator.
pub async fn list_user(cx: &Cx, owner: UserId, page: PageRequest) -> Result<Page<Ontology>, Error> {
    let query = format!("ontologies/{owner}");
    let after = page.after(cx, &query)?;
    let found = ontology::list(cx.db.read(), owner, after, page.size.limit()).await?;
    let (entries, next) = domain::cut(page.size, found);
    let ontologies = ontology::read(cx.db.read(), owner, &entries).await?;
    Page::new(cx, &query, ontologies, next)
}
