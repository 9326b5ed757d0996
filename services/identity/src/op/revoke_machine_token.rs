//! Ending a token of a program.

use roster_db::replay::{self, ReplayKey};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{Caller, MachineTokenId};

use super::{Cx, admin};
use crate::{
    domain::MachineToken,
    error::Error,
    store::{guard, machine_token},
};

/// The full name of the method.
pub const METHOD: &str = "roster.identity.v1.MachineTokenService/RevokeMachineToken";

/// Which token to end, and the name of the request.
#[derive(Clone, Debug)]
pub struct RevokeMachineToken {
    /// The token.
    pub id: MachineTokenId,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// Ends a token, whoever issued it; answers it as it was. The look at a token
/// is never remembered, so nothing has to be told that it has ended.
pub async fn revoke_machine_token(
    cx: &Cx,
    caller: &Caller,
    command: &RevokeMachineToken,
) -> Result<MachineToken, Error> {
    let replay = command.replay.as_ref();
    let now = cx.env.now();
    let tx = cx.db.begin().await?;
    // What the token is being used for ends first, or is refused.
    guard::take(&tx).await?;
    if let Some(revoked) = replay::find(&tx, replay, now).await? {
        return Ok(revoked);
    }
    admin::require(cx, &tx, &caller.actor).await?;
    let revoked = machine_token::lock(&tx, command.id, now).await?;
    let revoked = revoked.ok_or(Error::MachineTokenNotFound)?;
    machine_token::delete(&tx, revoked.id).await?;
    audit::append(
        &tx,
        &cx.env,
        AuditRecord {
            caller,
            method: METHOD,
            target: revoked.id.to_string(),
            fields: Vec::new(),
            request_id: replay.map(ReplayKey::request_id),
        },
    )
    .await?;
    replay::record(&tx, replay, now, Some(revoked.issuer), &revoked).await?;
    tx.commit().await?;
    Ok(revoked)
}
