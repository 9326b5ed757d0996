//! From one state of a user to the next.

use roster_db::Tx;
use roster_kernel::EventId;

use super::Cx;
use crate::{
    announce,
    domain::Subject,
    error::Error,
    store::{guard::Turn, ledger},
};

/// Notes the state that follows `before` in the ledger; answers it, or `None`
/// where nothing changes. Holds that there is always an administrator.
pub async fn note(
    tx: &Tx,
    turn: Turn,
    before: &Subject,
    after: Subject,
) -> Result<Option<Subject>, Error> {
    let Some(next) = before.followed_by(after, turn.version()) else { return Ok(None) };
    if leaves_nobody(tx, before, &next).await? {
        return Err(Error::LastAdmin);
    }
    ledger::update(tx, turn, &next).await?;
    Ok(Some(next))
}

/// Whether nobody could administer users any more if `before` became `after`.
pub async fn leaves_nobody(tx: &Tx, before: &Subject, after: &Subject) -> Result<bool, Error> {
    Ok(before.is_enabled_admin()
        && !after.is_enabled_admin()
        && ledger::count_enabled_admins(tx).await? <= 1)
}

/// Notes the state that follows `before`, and announces it. Answers the state
/// as it is now, and the event, if there is one.
pub async fn announce(
    cx: &Cx,
    tx: &Tx,
    turn: Turn,
    before: &Subject,
    after: Subject,
) -> Result<(Subject, Option<EventId>), Error> {
    let Some(next) = note(tx, turn, before, after).await? else {
        return Ok((*before, pending(cx, tx, before).await?));
    };
    let event = announce::state_changed(&cx.outbox, tx, &next).await?;
    Ok((next, Some(event)))
}

/// The announcement that has made the state what it is, while it is not in
/// effect yet. Whoever asks for that state again waits for the same receipt:
/// an answer says what is in effect, not what has been asked for before.
pub async fn pending(cx: &Cx, tx: &Tx, subject: &Subject) -> Result<Option<EventId>, Error> {
    Ok(cx.outbox.unconfirmed(&**tx, subject.user_id, &cx.effect_consumer).await?)
}
