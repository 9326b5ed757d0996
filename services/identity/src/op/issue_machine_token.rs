//! Issuing a token for a program.

use roster_events::audit::{self, AuditRecord};
use roster_kernel::{BearerToken, Caller, TokenKind, UserActor};

use super::Cx;
use crate::{
    domain::{Lifetime, MOST_MACHINE_TOKENS, MachineToken, Subject, TokenName, TokenScope},
    error::Error,
    store::{guard, ledger, machine_token},
};

/// The full name of the method.
pub const METHOD: &str = "roster.identity.v1.MachineTokenService/IssueMachineToken";

/// What token is wanted.
#[derive(Clone, Debug)]
pub struct IssueMachineToken {
    /// What it is for.
    pub name: TokenName,
    /// What it allows.
    pub scope: TokenScope,
    /// How long it lasts.
    pub lifetime: Lifetime,
}

/// A token that was issued.
#[derive(Debug)]
pub struct Issued {
    /// What opens it: nowhere else to be had.
    pub secret: BearerToken,
    /// The token.
    pub token: MachineToken,
}

/// Issues a token in the name of the administrator who calls. Only its hash is
/// kept, so no repetition gets it again.
pub async fn issue_machine_token(
    cx: &Cx,
    caller: &Caller,
    issuer: &UserActor,
    command: IssueMachineToken,
) -> Result<Issued, Error> {
    let now = cx.env.now();
    let tx = cx.db.begin().await?;
    // Nobody changes the issuer's role, state or epoch meanwhile.
    guard::take(&tx).await?;
    let issuer = ledger::find(&*tx, issuer.user_id).await?;
    let issuer = issuer.filter(Subject::is_enabled_admin).ok_or(Error::AdminRequired)?;
    // What has ended makes room.
    machine_token::delete_ended(&tx, issuer.user_id, now).await?;
    if machine_token::count(&*tx, issuer.user_id).await? >= MOST_MACHINE_TOKENS {
        return Err(Error::MachineTokenLimit);
    }
    let secret = BearerToken::generate(TokenKind::Machine, &cx.env);
    let IssueMachineToken { name, scope, lifetime } = command;
    let token = MachineToken::issue(&cx.env, &issuer, name, scope, lifetime);
    machine_token::insert(&tx, &token, secret.hash()).await?;
    audit::append(
        &tx,
        &cx.env,
        AuditRecord {
            caller,
            method: METHOD,
            target: token.id.to_string(),
            fields: Vec::new(),
            request_id: None,
        },
    )
    .await?;
    tx.commit().await?;
    Ok(Issued { secret, token })
}
