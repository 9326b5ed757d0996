//! Ending all sessions that match a filter.

use roster_db::{
    Tx,
    replay::{self, ReplayKey},
};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{Actor, Caller, SessionId, Timestamp};

use super::{Cx, admin};
use crate::{domain::SessionFilter, error::Error, store::session};

/// The full name of the method.
pub const METHOD: &str = "roster.session.v1.SessionAdminService/RevokeSessions";

/// How many sessions one transaction ends at the most, so that others get
/// their turn at the database in between.
const BATCH: u64 = 500;

/// Which sessions to end.
#[derive(Clone, Debug)]
pub struct RevokeSessions {
    /// Those that match; an empty filter means everybody's.
    pub filter: SessionFilter,
    /// Also the session that the call is made with, where it matches.
    pub include_current: bool,
    /// Only count them.
    pub validate_only: bool,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// Ends the sessions; answers how many that were, once all are gone.
pub async fn revoke_sessions(
    cx: &Cx,
    caller: &Caller,
    mut command: RevokeSessions,
) -> Result<u64, Error> {
    let began = cx.env.now();
    // What is opened from now on is not what the administrator saw, and an
    // end that moves on would be none.
    let opened_by_now = began + chrono::TimeDelta::microseconds(1);
    let before = command.filter.created_before.unwrap_or(Timestamp::MAX_UTC);
    let target = target(&command.filter);
    command.filter.created_before = Some(before.min(opened_by_now));

    let tx = cx.db.begin().await?;
    admin::require(&tx, &caller.actor).await?;
    let spared = spared(caller, &command);
    if command.validate_only {
        return Ok(session::count(&*tx, &command.filter, spared, began).await?);
    }
    if let Some(revoked) = replay::find(&tx, command.replay.as_ref(), began).await? {
        return Ok(revoked);
    }
    let (mut tx, mut revoked) = (tx, 0);
    loop {
        let ended = session::delete_matching(&tx, &command.filter, spared, BATCH, began).await?;
        revoked += ended;
        if ended > 0 {
            append(&tx, cx, caller, &target, command.replay.as_ref()).await?;
        }
        if ended < BATCH {
            replay::record(&tx, command.replay.as_ref(), began, None, &revoked).await?;
            tx.commit().await?;
            return Ok(revoked);
        }
        tx.commit().await?;
        cx.env.step("revoke_sessions.batch").await;
        tx = cx.db.begin().await?;
        admin::require(&tx, &caller.actor).await?;
    }
}

/// The session that is left alone.
fn spared(caller: &Caller, command: &RevokeSessions) -> Option<SessionId> {
    match &caller.actor {
        Actor::User(user) if !command.include_current => Some(user.session_id),
        Actor::User(_) | Actor::Machine(_) | Actor::Service(_) | Actor::Anonymous => None,
    }
}

/// What the audit trail says the sessions were of.
fn target(filter: &SessionFilter) -> String {
    filter.user_id.map_or_else(|| "*".to_owned(), |user| user.to_string())
}

async fn append(
    tx: &Tx,
    cx: &Cx,
    caller: &Caller,
    target: &str,
    replay: Option<&ReplayKey>,
) -> Result<(), Error> {
    let record = AuditRecord {
        caller,
        method: METHOD,
        target: target.to_owned(),
        fields: Vec::new(),
        request_id: replay.map(ReplayKey::request_id),
    };
    Ok(audit::append(tx, &cx.env, record).await?)
}
