//! Signing out.

use roster_db::replay::{self, ReplayKey};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{Caller, UserActor};

use super::Cx;
use crate::{error::Error, store::session};

/// The full name of the method.
pub const METHOD: &str = "roster.session.v1.SessionService/Logout";

/// Ends the session that the call was made with; answers how many sessions
/// that were: none where it had ended meanwhile.
pub async fn logout(
    cx: &Cx,
    caller: &Caller,
    user: &UserActor,
    replay: Option<&ReplayKey>,
) -> Result<u64, Error> {
    let now = cx.env.now();
    let tx = cx.db.begin().await?;
    if let Some(ended) = replay::find(&tx, replay, now).await? {
        return Ok(ended);
    }
    let ended = session::delete(&tx, user.session_id, user.user_id).await?;
    if ended > 0 {
        audit::append(
            &tx,
            &cx.env,
            AuditRecord {
                caller,
                method: METHOD,
                target: user.session_id.to_string(),
                fields: Vec::new(),
                request_id: replay.map(ReplayKey::request_id),
            },
        )
        .await?;
    }
    replay::record(&tx, replay, now, None, &ended).await?;
    tx.commit().await?;
    Ok(ended)
}
