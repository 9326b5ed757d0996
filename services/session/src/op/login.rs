//! Signing in.

use roster_events::audit::{self, AuditRecord};
use roster_kernel::{BearerToken, Caller, Deadline, TokenKind};
use roster_participant::{State, Subject, subjects};
use secrecy::SecretString;

use super::{Cx, attempt::Attempt};
use crate::{domain::Session, error::Error, store::session};

/// What the audit trail calls it.
const METHOD: &str = "roster.session.v1.SessionService/Login";

/// The credentials to sign in with.
#[derive(Debug)]
pub struct Login {
    /// The username as it was typed.
    pub username: String,
    /// The password.
    pub password: SecretString,
    /// Whether the session is to last longer.
    pub remember_me: bool,
}

/// A session that was opened.
#[derive(Debug)]
pub struct LoggedIn {
    /// What opens it: nowhere else to be had.
    pub token: BearerToken,
    /// The session.
    pub session: Session,
    /// Whether the user must choose a new password first.
    pub password_change_required: bool,
}

/// Signs a user in, and counts how that went.
pub async fn login(
    cx: &Cx,
    caller: &Caller,
    deadline: Option<Deadline>,
    command: Login,
) -> Result<LoggedIn, Error> {
    let opened = attempt(cx, caller, deadline, command).await;
    cx.logins.note(opened.as_ref().err());
    opened
}

/// Makes an attempt that is counted against whoever makes it, unless it turns
/// out to have been no guess.
async fn attempt(
    cx: &Cx,
    caller: &Caller,
    deadline: Option<Deadline>,
    command: Login,
) -> Result<LoggedIn, Error> {
    // A flood ends here, before it costs a query.
    let _turn = cx.throttle.turns.try_acquire().map_err(|_| Error::TooManyLogins)?;
    let attempt = Attempt::begin(cx, caller, &command.username).await?;
    match open(cx, caller, deadline, command, &attempt).await {
        Err(error) if !error.is_guess() => {
            if let Err(error) = attempt.take_back(cx).await {
                tracing::warn!(class = error.class(), "an attempt to sign in was not taken back");
            }
            Err(error)
        }
        // Whoever goes away before the answer has failed, too.
        ended => ended,
    }
}

/// Checks the password and opens a session.
///
/// Between identity's answer and the session lies time in which the user may
/// be deleted, disabled, or lose all sessions. So the answer is merged into
/// the row that those changes go through, under its lock, and the session is
/// opened only if the row is no further than what was verified.
async fn open(
    cx: &Cx,
    caller: &Caller,
    deadline: Option<Deadline>,
    command: Login,
    attempt: &Attempt,
) -> Result<LoggedIn, Error> {
    let verified =
        cx.identity.verify_password(caller, deadline, command.username, &command.password).await?;
    let token = BearerToken::generate(TokenKind::Session, &cx.env);

    let tx = cx.db.begin().await?;
    let known = subjects::merge(&tx, verified, cx.env.now()).await?;
    admit(&verified, &known)?;
    let session = Session::begin(
        &cx.env,
        known.user_id,
        verified.session_epoch,
        cx.lifetimes.of(command.remember_me),
        &caller.origin,
    );
    session::insert(&tx, &session, token.hash()).await?;
    attempt.succeeded(&tx, known.user_id, session.created_at).await?;
    audit::append(
        &tx,
        &cx.env,
        AuditRecord {
            caller,
            method: METHOD,
            target: known.user_id.to_string(),
            fields: Vec::new(),
            request_id: None,
        },
    )
    .await?;
    tx.commit().await?;
    Ok(LoggedIn { token, session, password_change_required: known.password_change_required })
}

/// Whether a password that was verified as of `verified` still opens a
/// session, now that the user is known to be as in `known`.
fn admit(verified: &Subject, known: &Subject) -> Result<(), Error> {
    match known.state {
        State::Deleted => Err(Error::InvalidCredentials),
        State::Disabled => Err(Error::UserDisabled),
        State::Active if known.session_epoch > verified.session_epoch => {
            Err(Error::InvalidCredentials)
        }
        State::Active => Ok(()),
    }
}
