//! What a browser keeps after signing in, and forgets after signing out.

use bytes::Bytes;
use http::HeaderValue;
use prost::Message as _;
use roster_kernel::Timestamp;
use roster_proto::session::v1::{LoginResponse, Session};

use super::cookie::SessionCookie;

const LOGIN: &str = "/roster.session.v1.SessionService/Login";
const LOGOUT: &str = "/roster.session.v1.SessionService/Logout";

/// What to set, after the method at `path` has answered `response`.
pub fn cookie(
    cookie: SessionCookie,
    path: &str,
    response: &Bytes,
    now: Timestamp,
) -> Option<HeaderValue> {
    match path {
        LOGIN => signed_in(cookie, &LoginResponse::decode(response.clone()).ok()?, now),
        LOGOUT => cookie.forget(),
        _ => None,
    }
}

/// Keeps the token of a session for as long as it lasts.
pub fn signed_in(
    cookie: SessionCookie,
    response: &LoginResponse,
    now: Timestamp,
) -> Option<HeaderValue> {
    let until = response.session.as_ref().and_then(expiry)?;
    cookie.keep(&response.token, now, until)
}

fn expiry(session: &Session) -> Option<Timestamp> {
    let expire_time = session.expire_time?;
    Timestamp::from_timestamp(expire_time.seconds, u32::try_from(expire_time.nanos).ok()?)
}
