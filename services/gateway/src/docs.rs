//! The contracts as they are offered over HTTP, described: for programs, and for
//! people. Both were made when this was built (`build.rs`).

use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

include!(concat!(env!("OUT_DIR"), "/docs.rs"));

/// Something to hand out.
#[derive(Debug)]
struct Asset {
    content_type: &'static str,
    /// What a browser may do with it, if it is for browsers.
    policy: Option<&'static str>,
    plain: Form,
    /// The same with gzip.
    packed: Form,
}

/// One form of it.
#[derive(Debug)]
struct Form {
    /// Names these bytes and no others, in quotes.
    etag: &'static str,
    bytes: &'static [u8],
}

/// The document at `/api/openapi.json`, and the page at `/api/docs`. Anyone may
/// read them: they tell what the contracts do, and nothing of an installation.
pub fn router() -> Router {
    Router::new()
        .route(
            "/api/openapi.json",
            get(|headers: HeaderMap| async move { DOCUMENT.answer(&headers) }),
        )
        .route("/api/docs", get(|headers: HeaderMap| async move { PAGE.answer(&headers) }))
}

impl Asset {
    fn answer(&self, headers: &HeaderMap) -> Response {
        let packed = accepts_gzip(headers);
        let form = if packed { &self.packed } else { &self.plain };
        let mut answer = if knows(headers, form.etag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let content_type = HeaderValue::from_static(self.content_type);
            ([(header::CONTENT_TYPE, content_type)], Body::from(form.bytes)).into_response()
        };
        let is_sent = answer.status() == StatusCode::OK;
        let mut say = |name: HeaderName, value: &'static str| {
            answer.headers_mut().insert(name, HeaderValue::from_static(value));
        };
        say(header::ETAG, form.etag);
        // Kept, and asked for again whether it is still this.
        say(header::CACHE_CONTROL, "no-cache");
        say(header::VARY, "accept-encoding");
        if packed && is_sent {
            say(header::CONTENT_ENCODING, "gzip");
        }
        if let Some(policy) = self.policy {
            say(header::CONTENT_SECURITY_POLICY, policy);
        }
        answer
    }
}

/// Whether the client takes gzip (RFC 9110, 12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter();
    let accepted = accepted.filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(','));
    let mut weights = accepted.filter_map(|it| {
        let (coding, weight) = it.split_once(';').unwrap_or((it, ""));
        coding.trim().eq_ignore_ascii_case("gzip").then(|| weight.replace(' ', ""))
    });
    let refused = |weight: &str| {
        let weight = weight.strip_prefix("q=").and_then(|it| it.parse::<f32>().ok());
        weight.is_some_and(|it| it <= 0.0)
    };
    weights.any(|weight| !refused(&weight))
}

/// Whether the client has what it asks for already. A proxy may have made a weak
/// tag of it (RFC 9110, 13.1.2).
fn knows(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut known = known.filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(','));
    known.any(|it| matches!(it.trim(), "*") || it.trim().trim_start_matches("W/") == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn gzip_is_sent_to_who_takes_it() {
        for (value, taken) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("gzip; q=0", false),
            ("gzip;q=0.000", false),
            ("br", false),
            ("", false),
        ] {
            assert_eq!(accepts_gzip(&headers(header::ACCEPT_ENCODING, value)), taken, "{value}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn what_is_known_is_not_sent_again() {
        for (value, known) in
            [("\"a\"", true), ("\"b\", W/\"a\"", true), ("*", true), ("\"b\"", false), ("a", false)]
        {
            assert_eq!(knows(&headers(header::IF_NONE_MATCH, value), "\"a\""), known, "{value}");
        }
    }
}
