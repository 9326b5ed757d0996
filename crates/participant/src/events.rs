//! What identity announces, and what a participant does about it.

use std::sync::Arc;

use async_trait::async_trait;
use roster_db::{Db, DbError};
use roster_events::{Event, Handler, HandlerError, Inbox, InvalidEvent, Receipt};
use roster_kernel::Env;
use roster_proto::{
    event::v1::{UserDeleted, UserStateChanged},
    subject::v1::SubjectState,
};

use crate::{
    Subject, SubjectData,
    erasure::{self, BATCH, Eraser},
    measure::ParticipantMeter,
};

/// Carries out identity's events for the data of one service.
#[derive(Debug)]
pub(crate) struct SubjectEvents<D> {
    pub db: Db,
    pub env: Env,
    pub data: Arc<D>,
    pub meter: ParticipantMeter,
}

#[async_trait]
impl<D: SubjectData> Handler for SubjectEvents<D> {
    async fn handle(&self, event: &Event) -> Result<Receipt, HandlerError> {
        if let Some(message) = event.message::<UserDeleted>() {
            self.user_deleted(event, subject(event, message.map(|it| it.state))?).await
        } else if let Some(message) = event.message::<UserStateChanged>() {
            self.state_changed(event, subject(event, message.map(|it| it.state))?).await
        } else {
            // A newer identity announces more than this version knows. The
            // event waits, visibly, until this service is newer too.
            Err(HandlerError::Refused("unknown kind of event"))
        }
    }
}

impl<D: SubjectData> SubjectEvents<D> {
    async fn state_changed(
        &self,
        event: &Event,
        subject: Subject,
    ) -> Result<Receipt, HandlerError> {
        loop {
            let now = self.env.now();
            let tx = self.db.begin().await?;
            // Looked at anew each time: between two batches the user may have
            // got another state.
            if erasure::apply(&tx, &*self.data, subject, BATCH, now).await? < BATCH {
                let receipt = Inbox::record(&tx, event.id, Vec::new(), now).await?;
                tx.commit().await?;
                return Ok(receipt);
            }
            tx.commit().await?;
            self.env.step("state.batch").await;
        }
    }

    async fn user_deleted(&self, event: &Event, subject: Subject) -> Result<Receipt, HandlerError> {
        let Self { db, env, data, meter } = self;
        let eraser = Eraser { db, env, data: &**data, meter };
        let receipt = eraser.erase(subject, Some(event.id)).await?;
        Ok(receipt.ok_or(DbError::Unexpected("inbox"))?)
    }
}

fn subject(
    event: &Event,
    state: Result<Option<SubjectState>, InvalidEvent>,
) -> Result<Subject, HandlerError> {
    let state = state.ok().flatten().ok_or(HandlerError::Refused("malformed event"))?;
    let subject =
        Subject::try_from(state).map_err(|_| HandlerError::Refused("malformed subject state"))?;
    if subject.user_id == event.subject {
        Ok(subject)
    } else {
        Err(HandlerError::Refused("envelope and event name different users"))
    }
}
