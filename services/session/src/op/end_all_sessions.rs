//! Ending every session there is.

use roster_events::audit::{self, OperatorRecord};

use super::Cx;
use crate::{error::Error, store::session};

/// What the audit trail calls it.
const METHOD: &str = "roster.session/EndAllSessions";

/// Who did it, as the audit trail has it: whoever can run commands on the
/// machine. Their name is not known here.
const OPERATOR: &str = "restore";

/// How many sessions one transaction ends at the most.
const BATCH: u64 = 500;

/// Ends every session, live or not; answers how many there were. For a database
/// that was put back from a backup: that a session was signed out or revoked
/// since is known nowhere else. Can be cut short anywhere and begun again.
pub async fn end_all_sessions(cx: &Cx) -> Result<u64, Error> {
    let mut ended = 0;
    loop {
        let tx = cx.db.begin().await?;
        let some = session::delete_any(&tx, BATCH).await?;
        ended += some;
        if some < BATCH {
            let target = "sessions".to_owned();
            let fields = Vec::new();
            let record = OperatorRecord { operator: OPERATOR, method: METHOD, target, fields };
            audit::append_operator(&tx, &cx.env, record).await?;
        }
        tx.commit().await?;
        cx.env.step("end_all_sessions.batch").await;
        if some < BATCH {
            return Ok(ended);
        }
    }
}
