//! Watching a deletion until it is complete.

use std::sync::Arc;

use roster_kernel::DeletionId;

use super::{Cx, deletions};
use crate::{
    domain::{DeletionRecord, DeletionState, DeletionView},
    error::Error,
    store::deletion,
};

/// A deletion that somebody watches. It is looked at when the watcher has
/// taken what was seen last, so that a slow one costs nothing.
#[derive(Debug)]
pub struct Watch {
    cx: Arc<Cx>,
    record: DeletionRecord,
    seen: Option<DeletionView>,
}

/// Begins to watch a deletion.
pub async fn watch_deletion(cx: &Arc<Cx>, id: DeletionId) -> Result<Watch, Error> {
    let record = deletion::find(cx.db.read(), id).await?.ok_or(Error::DeletionNotFound)?;
    Ok(Watch { cx: Arc::clone(cx), record, seen: None })
}

impl Watch {
    /// The deletion as soon as it differs from what was answered before: at
    /// once the first time. `None` behind its completion.
    pub async fn next(&mut self) -> Result<Option<DeletionView>, Error> {
        let complete = |view: &DeletionView| view.state() == DeletionState::Complete;
        if self.seen.as_ref().is_some_and(complete) {
            return Ok(None);
        }
        loop {
            // Before looking, so that no receipt is missed.
            let news = self.cx.outbox.news();
            let view = deletions::view(&self.cx, self.record.clone()).await?;
            if self.seen.as_ref() != Some(&view) {
                self.seen = Some(view.clone());
                return Ok(Some(view));
            }
            self.cx.env.step("watch_deletion.waiting").await;
            tokio::select! {
                () = news => {}
                () = self.cx.draining.cancelled() => return Err(Error::Draining),
            }
        }
    }
}
