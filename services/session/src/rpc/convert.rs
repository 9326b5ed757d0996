//! Between messages and domain values.

use prost::{Message, Name as _};
use prost_types::Any;
use roster_db::replay::{Repetition, ReplayKey};
use roster_kernel::{Actor, Caller, PageSize, SessionId, Timestamp, UserId};
use roster_proto::{session::v1 as pb, time};
use roster_server::{Refusal, Violations};

use crate::{
    domain::{Session, SessionFilter, parse_address},
    identity::UserNames,
    op::{
        authenticate::Authenticated,
        list_sessions::{PageRequest, SessionPage},
        login::Login,
        revoke_session::RevokeSession,
        revoke_sessions::RevokeSessions,
    },
};

/// The most bytes of a username or a password.
const MOST_CREDENTIAL_BYTES: usize = 1_024;

/// The most bytes of a page token.
const MOST_PAGE_TOKEN_BYTES: usize = 1_024;

/// The most bytes of a token.
const MOST_TOKEN_BYTES: usize = 256;

/// A time that no calendar has.
const INVALID_TIME: &str = "must be a time between the years 1 and 9999";

/// The session that a call is made with.
pub fn current(caller: &Caller) -> Option<SessionId> {
    match &caller.actor {
        Actor::User(user) => Some(user.session_id),
        Actor::Machine(_) | Actor::Service(_) | Actor::Anonymous => None,
    }
}

/// Reads the credentials.
pub fn login(request: pb::LoginRequest) -> Result<Login, Refusal> {
    let mut violations = Violations::new();
    for (field, value) in [("username", &request.username), ("password", &request.password)] {
        bounded(&mut violations, field, value, 1, MOST_CREDENTIAL_BYTES);
    }
    violations.finish()?;
    Ok(Login {
        username: request.username,
        password: request.password.into(),
        remember_me: request.remember_me,
    })
}

/// Reads the name of a sign-out.
pub fn logout(
    request: &pb::LogoutRequest,
    repetition: &Repetition<'_>,
) -> Result<Option<ReplayKey>, Refusal> {
    let mut violations = Violations::new();
    let replay = repetition.key(&mut violations, &request.request_id, request);
    violations.finish()?;
    Ok(replay)
}

/// Reads which of one's own sessions are asked for.
pub fn own_list(request: &pb::ListSessionsRequest) -> Result<PageRequest, Refusal> {
    let mut violations = Violations::new();
    let page = page(&mut violations, request.page_size, &request.page_token);
    violations.finish()?;
    Ok(page)
}

/// Reads which of all sessions are asked for.
pub fn admin_list(
    request: &pb::SessionAdminServiceListSessionsRequest,
) -> Result<(SessionFilter, PageRequest), Refusal> {
    let mut violations = Violations::new();
    let filter = filter(
        &mut violations,
        &request.user_id,
        &request.ip_address,
        request.create_time_from,
        request.create_time_before,
    );
    let page = page(&mut violations, request.page_size, &request.page_token);
    violations.finish()?;
    Ok((filter, page))
}

/// Reads which of one's own sessions is to end.
pub fn own_revocation(
    request: &pb::RevokeSessionRequest,
    repetition: &Repetition<'_>,
) -> Result<RevokeSession, Refusal> {
    revocation(&request.session_id, &request.request_id, request, repetition)
}

/// Reads which of all sessions is to end.
pub fn admin_revocation(
    request: &pb::SessionAdminServiceRevokeSessionRequest,
    repetition: &Repetition<'_>,
) -> Result<RevokeSession, Refusal> {
    revocation(&request.session_id, &request.request_id, request, repetition)
}

/// Reads which sessions are to end.
pub fn bulk_revocation(
    request: &pb::RevokeSessionsRequest,
    repetition: &Repetition<'_>,
) -> Result<RevokeSessions, Refusal> {
    let mut violations = Violations::new();
    let filter = filter(
        &mut violations,
        &request.user_id,
        &request.ip_address,
        request.create_time_from,
        request.create_time_before,
    );
    let replay = repetition.key(&mut violations, &request.request_id, request);
    let narrowed = !request.user_id.is_empty()
        || !request.ip_address.is_empty()
        || request.create_time_from.is_some()
        || request.create_time_before.is_some();
    if request.all == narrowed {
        violations.add("all", "must be set if and only if no filter is given");
    }
    violations.finish()?;
    Ok(RevokeSessions {
        filter,
        include_current: request.include_current,
        validate_only: request.validate_only,
        replay,
    })
}

/// Checks the bounds of a token; whether it is one is not a matter of form.
pub fn token(request: &pb::AuthenticateRequest) -> Result<&str, Refusal> {
    let mut violations = Violations::new();
    bounded(&mut violations, "token", &request.token, 1, MOST_TOKEN_BYTES);
    violations.finish()?;
    Ok(&request.token)
}

/// A page of sessions, with the names of users that are known.
pub fn sessions(page: SessionPage, current: Option<SessionId>) -> (Vec<pb::Session>, String) {
    let names = page.names;
    let sessions = page.sessions.into_iter().map(|session| {
        let names = names.get(&session.user_id).cloned();
        with_names(self::session(&session, current), names)
    });
    (sessions.collect(), page.next_page_token)
}

/// A session as it is handed out with all that is kept of its user: as the
/// user saw it, without the token.
#[expect(clippy::needless_pass_by_value, reason = "what a participant's encoder is given")]
pub fn exported(session: Session) -> Any {
    let message = self::session(&session, None);
    Any { type_url: pb::Session::type_url(), value: message.encode_to_vec() }
}

/// A number of rows as a message carries it.
pub fn count(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// The caller behind a token.
pub fn authenticated(caller: &Authenticated) -> pb::AuthenticateResponse {
    pb::AuthenticateResponse {
        user_id: caller.user_id.to_string(),
        session_id: caller.session_id.to_string(),
        is_admin: caller.is_admin,
        password_change_required: caller.password_change_required,
        expire_time: Some(time::to_proto(caller.expires_at)),
    }
}

/// A session as its reader sees it.
pub fn session(session: &Session, current: Option<SessionId>) -> pb::Session {
    pb::Session {
        session_id: session.id.to_string(),
        user_id: session.user_id.to_string(),
        create_time: Some(time::to_proto(session.created_at)),
        expire_time: Some(time::to_proto(session.expires_at)),
        last_seen_time: Some(time::to_proto(session.last_seen_at)),
        ip_address: session.address.map(|address| address.to_string()).unwrap_or_default(),
        user_agent: session.user_agent.as_str().to_owned(),
        is_current: current == Some(session.id),
        username: None,
        display_name: None,
    }
}

fn with_names(session: pb::Session, names: Option<UserNames>) -> pb::Session {
    let (username, display_name) = names.map(|names| (names.username, names.display_name)).unzip();
    pb::Session { username, display_name, ..session }
}

fn revocation(
    session_id: &str,
    request_id: &str,
    request: &impl Message,
    repetition: &Repetition<'_>,
) -> Result<RevokeSession, Refusal> {
    let mut violations = Violations::new();
    let session_id = violations.field("session_id", SessionId::parse(session_id));
    let replay = repetition.key(&mut violations, request_id, request);
    let Some(session_id) = session_id else { return Err(violations.into_refusal()) };
    violations.finish()?;
    Ok(RevokeSession { session_id, replay })
}

fn page(violations: &mut Violations, size: i32, token: &str) -> PageRequest {
    bounded(violations, "page_token", token, 0, MOST_PAGE_TOKEN_BYTES);
    let size = violations.field("page_size", PageSize::parse(size)).unwrap_or_default();
    PageRequest { size, token: token.to_owned() }
}

fn filter(
    violations: &mut Violations,
    user_id: &str,
    ip_address: &str,
    from: Option<prost_types::Timestamp>,
    before: Option<prost_types::Timestamp>,
) -> SessionFilter {
    SessionFilter {
        user_id: (!user_id.is_empty())
            .then(|| violations.field("user_id", UserId::parse(user_id)))
            .flatten(),
        address: (!ip_address.is_empty())
            .then(|| violations.field("ip_address", parse_address(ip_address)))
            .flatten(),
        created_from: moment(violations, "create_time_from", from),
        created_before: moment(violations, "create_time_before", before),
    }
}

fn moment(
    violations: &mut Violations,
    field: &str,
    at: Option<prost_types::Timestamp>,
) -> Option<Timestamp> {
    let at = at?;
    violations.field(field, time::from_proto(at).ok_or(INVALID_TIME))
}

fn bounded(violations: &mut Violations, field: &str, value: &str, least: usize, most: usize) {
    if value.len() < least {
        violations.add(field, "must not be empty");
    } else if value.len() > most {
        violations.add(field, format!("must have at most {most} bytes"));
    }
}
