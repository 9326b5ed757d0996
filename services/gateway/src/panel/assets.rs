//! What pages load: each file under an address that names its content, so that a
//! browser keeps it for good and never has an old one.

use std::sync::LazyLock;

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use sha2::{Digest as _, Sha256};

use super::Panel;

/// The stylesheet.
pub static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("panel", "css", "text/css; charset=utf-8", include_str!("assets/panel.css"))
});

/// What adds comfort to pages that work without it.
pub static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("panel", "js", "text/javascript; charset=utf-8", include_str!("assets/panel.js"))
});

/// The sign of the product, for the browser's tab.
pub static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("assets/icon.svg")));

/// It never changes.
const FOR_GOOD: (HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));

/// A file.
#[derive(Debug)]
pub struct Asset {
    path: String,
    content_type: HeaderValue,
    content: &'static str,
}

impl Asset {
    fn new(name: &str, extension: &str, content_type: &'static str, content: &'static str) -> Self {
        let hash = Sha256::digest(content);
        let hash = hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let path = format!("/assets/{name}.{hash:016x}.{extension}");
        Self { path, content_type: HeaderValue::from_static(content_type), content }
    }

    /// Where it is.
    pub fn path(&self) -> &str {
        &self.path
    }

    fn answer(&self) -> Response {
        let content_type = (header::CONTENT_TYPE, self.content_type.clone());
        ([content_type, FOR_GOOD], self.content).into_response()
    }
}

/// The files.
pub fn router() -> Router<Panel> {
    [&STYLE, &SCRIPT, &ICON].into_iter().fold(Router::new(), |router, asset| {
        router.route(asset.path(), get(async move || asset.answer()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stylesheet_is_small_and_asks_nobody_else() {
        assert!(STYLE.content.len() < 32 * 1024, "{}", STYLE.content.len());
        for elsewhere in ["@import", "http:", "https:", "//"] {
            assert!(!STYLE.content.contains(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn the_address_says_what_is_in_it() {
        let asset = |content| Asset::new("a", "css", "text/css", content).path;
        assert_eq!(asset("a"), asset("a"));
        assert_ne!(asset("a"), asset("b"));
    }
}
