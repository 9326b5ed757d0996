//! Ending one session.

use roster_db::{
    Tx,
    replay::{self, ReplayKey},
};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{Caller, SessionId, UserActor, UserId};

use super::{Cx, admin};
use crate::{domain::Session, error::Error, store::session};

/// The full name of the method for one's own sessions.
pub const METHOD_OWN: &str = "roster.session.v1.SessionService/RevokeSession";

/// The full name of the method for anybody's sessions.
pub const METHOD_ANY: &str = "roster.session.v1.SessionAdminService/RevokeSession";

/// Which session, and the name of the request.
#[derive(Clone, Debug)]
pub struct RevokeSession {
    /// The session to end.
    pub session_id: SessionId,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// Ends a session of the user who calls; answers it as it was.
pub async fn revoke_own(
    cx: &Cx,
    caller: &Caller,
    user: &UserActor,
    command: &RevokeSession,
) -> Result<Session, Error> {
    let tx = cx.db.begin().await?;
    revoke(cx, tx, caller, METHOD_OWN, Some(user.user_id), command).await
}

/// Ends anybody's session, for an administrator; answers it as it was.
pub async fn revoke_any(
    cx: &Cx,
    caller: &Caller,
    command: &RevokeSession,
) -> Result<Session, Error> {
    let tx = cx.db.begin().await?;
    admin::require(&tx, &caller.actor).await?;
    revoke(cx, tx, caller, METHOD_ANY, None, command).await
}

async fn revoke(
    cx: &Cx,
    tx: Tx,
    caller: &Caller,
    method: &'static str,
    owner: Option<UserId>,
    command: &RevokeSession,
) -> Result<Session, Error> {
    let now = cx.env.now();
    let replay = command.replay.as_ref();
    if let Some(revoked) = replay::find(&tx, replay, now).await? {
        return Ok(revoked);
    }
    let session =
        session::find(&*tx, command.session_id, owner, now).await?.ok_or(Error::SessionNotFound)?;
    session::delete(&tx, session.id, session.user_id).await?;
    audit::append(
        &tx,
        &cx.env,
        AuditRecord {
            caller,
            method,
            target: session.id.to_string(),
            fields: Vec::new(),
            request_id: replay.map(ReplayKey::request_id),
        },
    )
    .await?;
    replay::record(&tx, replay, now, Some(session.user_id), &session).await?;
    tx.commit().await?;
    Ok(session)
}
