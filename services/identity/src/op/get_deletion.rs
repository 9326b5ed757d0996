//! Answering one deletion.

use roster_kernel::DeletionId;

use super::{Cx, deletions};
use crate::{domain::DeletionView, error::Error, store::deletion};

/// A deletion with its receipts of this moment.
pub async fn get_deletion(cx: &Cx, id: DeletionId) -> Result<DeletionView, Error> {
    let record = deletion::find(cx.db.read(), id).await?.ok_or(Error::DeletionNotFound)?;
    deletions::view(cx, record).await
}
