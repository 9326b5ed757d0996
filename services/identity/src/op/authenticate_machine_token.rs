//! Whom a machine token stands for.

use roster_kernel::{BearerToken, MachineActor, Timestamp, TokenKind};

use super::Cx;
use crate::{error::Error, store::machine_token};

/// The caller behind a token.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// Who calls.
    pub machine: MachineActor,
    /// From when on the token is over.
    pub expires_at: Timestamp,
}

/// Finds the caller, as of now: nothing is remembered from one call to the
/// next, so a revocation has nothing to clean up.
pub async fn authenticate_machine_token(cx: &Cx, token: &str) -> Result<Authenticated, Error> {
    // What cannot be a token costs the database nothing.
    let token = BearerToken::parse(TokenKind::Machine, token).map_err(|_| Error::TokenInvalid)?;
    let now = cx.env.now();
    let found = machine_token::authenticate(cx.db.read(), token.hash(), now).await?;
    let found = found.ok_or(Error::TokenInvalid)?;
    let machine = MachineActor {
        token_id: found.id.into(),
        issuer_id: found.issuer_id.into(),
        read_only: found.read_only,
        is_admin: found.is_admin,
        password_change_required: found.password_change_required,
    };
    cx.token_uses.note(machine.token_id, found.last_used_at, now);
    Ok(Authenticated { machine, expires_at: found.expires_at })
}
