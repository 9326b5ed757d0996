//! The cookie that a browser keeps its session in.

use cookie::{Cookie, SameSite, time::Duration};
use http::{HeaderMap, HeaderValue, header};
use roster_kernel::Timestamp;

/// Over a connection that is encrypted: no other host and no page without
/// encryption can set a cookie of this name (RFC 6265bis, 4.1.3.2).
const ENCRYPTED: &str = "__Host-roster_session";

/// On the machine itself, where nothing is encrypted.
const PLAIN: &str = "roster_session";

/// How the session's cookie is read and written on one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCookie {
    encrypted: bool,
}

impl SessionCookie {
    /// The cookie of a connection that the browser has `encrypted`, or not.
    pub const fn new(encrypted: bool) -> Self {
        Self { encrypted }
    }

    const fn name(self) -> &'static str {
        if self.encrypted { ENCRYPTED } else { PLAIN }
    }

    /// The token that a browser sends. None, too, where it sends several: one of
    /// them is somebody else's doing, and which cannot be told.
    pub fn token(self, headers: &HeaderMap) -> Option<String> {
        let headers = headers.get_all(header::COOKIE).iter();
        let texts = headers.filter_map(|value| value.to_str().ok());
        let cookies = texts.flat_map(Cookie::split_parse).filter_map(Result::ok);
        let mut ours = cookies.filter(|cookie| cookie.name() == self.name());
        let (one, another) = (ours.next()?, ours.next());
        another.is_none().then(|| one.value().to_owned())
    }

    /// Keeps `token` for as long as its session lasts.
    pub fn keep(self, token: &str, now: Timestamp, until: Timestamp) -> Option<HeaderValue> {
        let seconds = (until - now).num_seconds().max(0);
        self.header(token, Duration::seconds(seconds))
    }

    /// Lets the browser forget it.
    pub fn forget(self) -> Option<HeaderValue> {
        self.header("", Duration::ZERO)
    }

    fn header(self, value: &str, age: Duration) -> Option<HeaderValue> {
        let cookie = Cookie::build((self.name(), value))
            // No script reads it.
            .http_only(true)
            // No page of another site sends it, except by a link that is followed.
            .same_site(SameSite::Lax)
            .secure(self.encrypted)
            .path("/")
            .max_age(age);
        let mut value = HeaderValue::try_from(cookie.to_string()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(values: &[&str]) -> HeaderMap {
        let values = values.iter().map(|value| (header::COOKIE, value.parse().unwrap()));
        values.collect()
    }

    #[test]
    fn a_cookie_is_for_this_host_and_for_no_script() {
        let (now, until) = (Timestamp::UNIX_EPOCH, Timestamp::from_timestamp(90, 0).unwrap());
        let plain = SessionCookie::new(false).keep("abc", now, until).unwrap();
        assert_eq!(plain, "roster_session=abc; HttpOnly; SameSite=Lax; Path=/; Max-Age=90");
        assert!(plain.is_sensitive());
        let encrypted = SessionCookie::new(true).forget().unwrap();
        let expected = "__Host-roster_session=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0";
        assert_eq!(encrypted, expected);
    }

    #[test]
    fn one_cookie_of_the_connections_name_is_read() {
        let plain = SessionCookie::new(false);
        assert_eq!(plain.token(&sent(&["a=1; roster_session=abc"])).as_deref(), Some("abc"));
        let whole = sent(&["a=1", "roster_session=abc"]);
        assert_eq!(plain.token(&whole).as_deref(), Some("abc"));
        assert_eq!(SessionCookie::new(true).token(&whole), None);
        for none in
            [&[][..], &["a=1"], &["roster_session=a; roster_session=b"], &["roster_session"]]
        {
            assert_eq!(plain.token(&sent(none)), None, "{none:?}");
        }
    }
}
