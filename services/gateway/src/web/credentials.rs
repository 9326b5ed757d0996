//! Who calls, where a browser says so: its cookie becomes the token that
//! everything below knows.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderValue, header};
use roster_server::Networks;

use super::{cookie::SessionCookie, cors::Origins, refusal};
use crate::{Error, origin};

/// What decides whether a cookie counts.
#[derive(Clone, Debug)]
pub struct Browsers {
    /// Who is believed about whether a connection is encrypted.
    pub proxies: Networks,
    /// The origins whose pages may call, with a token and never with a cookie.
    pub origins: Origins,
}

/// Puts the cookie's token where tokens stand, and attaches how a cookie is
/// written. Two ways of saying who calls are refused: one of them is a mistake.
pub async fn layer(State(browsers): State<Browsers>, mut request: Request, next: Next) -> Response {
    let encrypted =
        origin::is_encrypted(request.headers(), request.extensions(), &browsers.proxies);
    let cookie = SessionCookie::new(encrypted);
    let headers = request.headers_mut();
    let token = cookie.token(headers).filter(|_| !browsers.origins.contain_origin_of(headers));
    headers.remove(header::COOKIE);
    if let Some(token) = token {
        if headers.contains_key(header::AUTHORIZATION) {
            return refusal::of(Error::AmbiguousCredentials);
        }
        if let Ok(mut bearer) = HeaderValue::try_from(format!("Bearer {token}")) {
            bearer.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, bearer);
        }
    }
    request.extensions_mut().insert(cookie);
    next.run(request).await
}
