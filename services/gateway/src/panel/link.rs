//! Addresses of pages.

use axum::response::{IntoResponse, Response};
use form_urlencoded::Serializer;
use http::{HeaderValue, StatusCode, Uri, header};

/// What the parameter is called that says where to go on.
pub const TARGET: &str = "to";

/// The longest address that is gone on to.
const MOST_TARGET_BYTES: usize = 1_000;

/// Shows another page, which is asked for with GET.
pub fn see_other(to: &str) -> Response {
    match HeaderValue::try_from(to) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// `path`, which goes on to `target` when it is done. To the start page is where
/// it goes on without.
pub fn with_target(path: &str, target: &str) -> String {
    match target_of(target) {
        "/" => path.to_owned(),
        target => with_query(path, &[(TARGET, target)]),
    }
}

/// `path`, which may have some already, with the parameters that have a value.
pub fn with_query(path: &str, parameters: &[(&str, &str)]) -> String {
    let given = parameters.iter().filter(|(_, value)| !value.is_empty());
    let query = Serializer::new(String::new()).extend_pairs(given).finish();
    if query.is_empty() {
        return path.to_owned();
    }
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}{query}")
}

/// Where to go on, as somebody says who need not mean well: a page of this panel,
/// or else the start page.
pub fn target_of(said: &str) -> &str {
    if is_page(said) { said } else { "/" }
}

/// Whether a browser understands `target` as a page of the same site. Some take a
/// backslash for a slash, and two slashes begin the name of a host.
fn is_page(target: &str) -> bool {
    let of_this_site = target.starts_with('/') && !target.starts_with("//");
    let plain = target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    // One's way in and out would lead in a circle.
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let in_a_circle = ["/sign-in", "/sign-out", "/change-password", "/register"].contains(&path);
    let is_short = target.len() <= MOST_TARGET_BYTES;
    of_this_site && plain && !in_a_circle && is_short && target.parse::<Uri>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_site_are_gone_on_to() {
        for page in ["/", "/account", "/admin/users?q=a%20b&size=20", "/admin/users/1/delete"] {
            assert_eq!(target_of(page), page);
        }
        for elsewhere in [
            "",
            "account",
            "//example.org",
            "///example.org",
            "/\\example.org",
            "\\\\example.org",
            "/\t/example.org",
            "/a\r\nset-cookie: a=b",
            "https://example.org",
            "javascript:alert(1)",
            " /account",
            "/a b",
            "/ä",
            "/sign-in?to=/account",
            "/change-password",
            &format!("/{}", "a".repeat(1_000)),
        ] {
            assert_eq!(target_of(elsewhere), "/", "{elsewhere:?}");
        }
    }

    #[test]
    fn parameters_are_encoded_and_empty_ones_left_out() {
        assert_eq!(with_query("/a", &[("q", "a&b=c"), ("page", "")]), "/a?q=a%26b%3Dc");
        assert_eq!(with_query("/a", &[("q", "")]), "/a");
        assert_eq!(with_query("/a?q=b", &[("page", "c")]), "/a?q=b&page=c");
        assert_eq!(
            with_target("/sign-in", "/admin/users?q=x"),
            "/sign-in?to=%2Fadmin%2Fusers%3Fq%3Dx"
        );
        assert_eq!(with_target("/sign-in", "//example.org"), "/sign-in");
    }
}
