//! Handing out all that is kept of a user, a page at a time.

use std::{collections::VecDeque, slice, sync::Arc};

use futures_util::{Stream, stream::try_unfold};
use roster_db::{Db, DbError};
use roster_kernel::UserId;

use crate::{Place, SubjectData};

/// How many things are read from the database at once: what one reader who is
/// slow makes the service hold.
const PAGE: u64 = 50;

/// All that `data` keeps of a user: kind by kind, each oldest first. Nothing
/// is locked or held open while the reader takes its time; what is created
/// meanwhile in front of the reader's place is missed, and what is deleted
/// before the reader comes to it is left out.
pub(crate) fn export<D: SubjectData>(
    db: Db,
    data: Arc<D>,
    user_id: UserId,
) -> impl Stream<Item = Result<(&'static str, D::Item), DbError>> {
    let kinds = data.kinds().iter();
    let reader =
        Reader { db, data, user_id, kinds, kind: None, after: None, page: VecDeque::new() };
    try_unfold(reader, async |mut reader| Ok(reader.next().await?.map(|next| (next, reader))))
}

/// How far a reader is.
struct Reader<D: SubjectData> {
    db: Db,
    data: Arc<D>,
    user_id: UserId,
    kinds: slice::Iter<'static, &'static str>,
    kind: Option<&'static str>,
    after: Option<Place>,
    page: VecDeque<D::Item>,
}

impl<D: SubjectData> Reader<D> {
    async fn next(&mut self) -> Result<Option<(&'static str, D::Item)>, DbError> {
        loop {
            if let Some((kind, item)) = self.kind.zip(self.page.pop_front()) {
                return Ok(Some((kind, item)));
            }
            let Some(kind) = self.kind.or_else(|| self.kinds.next().copied()) else {
                return Ok(None);
            };
            self.kind = Some(kind);
            let (connection, user) = (self.db.read(), self.user_id);
            let page = self.data.export(connection, user, kind, self.after, PAGE).await?;
            self.after = page.last().map(|(place, _item)| *place);
            if page.is_empty() {
                self.kind = None;
            }
            self.page = page.into_iter().map(|(_place, item)| item).collect();
        }
    }
}
