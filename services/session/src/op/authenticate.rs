//! Whom a token stands for.

use roster_kernel::{BearerToken, SessionId, Timestamp, TokenKind, UserId};

use super::Cx;
use crate::{error::Error, store::session};

/// The caller behind a token.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// The user.
    pub user_id: UserId,
    /// The session.
    pub session_id: SessionId,
    /// Whether the user is an administrator.
    pub is_admin: bool,
    /// Whether the user must choose a new password first.
    pub password_change_required: bool,
    /// From when on the session is over.
    pub expires_at: Timestamp,
}

/// Finds the caller, as of now: nothing is remembered from one call to the
/// next, so a revocation has nothing to clean up.
pub async fn authenticate(cx: &Cx, token: &str) -> Result<Authenticated, Error> {
    // What cannot be a token costs the database nothing.
    let token = BearerToken::parse(TokenKind::Session, token).map_err(|_| Error::TokenInvalid)?;
    let now = cx.env.now();
    let found = session::authenticate(cx.db.read(), token.hash(), now).await?;
    let found = found.ok_or(Error::TokenInvalid)?;
    let session_id = SessionId::from(found.id);
    cx.last_seen.note(session_id, Some(found.last_seen_at), now);
    Ok(Authenticated {
        user_id: found.user_id.into(),
        session_id,
        is_admin: found.is_admin,
        password_change_required: found.password_change_required,
        expires_at: found.expires_at,
    })
}
