//! Waiting until a change is in effect.

use chrono::TimeDelta;
use roster_events::Effect;
use roster_kernel::{Deadline, EventId};

use super::Cx;
use crate::error::Error;

/// How long is waited on behalf of a caller who does not say how long they
/// wait.
const DEFAULT_WAIT: TimeDelta = TimeDelta::seconds(10);

/// Waits for the receipt of the service that makes an announced change
/// effective. Called after the commit, so that nothing is held meanwhile:
/// the change stands, whether the receipt comes in time or not.
pub async fn confirm(
    cx: &Cx,
    event: Option<EventId>,
    deadline: Option<Deadline>,
) -> Result<(), Error> {
    let Some(event) = event else { return Ok(()) };
    // Somebody waits again for what was not confirmed the last time: that is
    // worth more than the pause until the next attempt, up to an hour.
    cx.outbox.hasten(event, &cx.effect_consumer).await?;
    let deadline = deadline.unwrap_or_else(|| Deadline(cx.env.now() + DEFAULT_WAIT));
    match cx.outbox.wait_for(event, &cx.effect_consumer, deadline).await? {
        Effect::Confirmed => Ok(()),
        Effect::Pending => Err(Error::EffectPending),
    }
}
