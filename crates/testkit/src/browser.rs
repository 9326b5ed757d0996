//! A real browser, Chromium, as somebody uses it: who finds things by what they
//! are and what they are called, and waits until they are there.
//!
//! The browser is one for all tests that run at a time, and each [`Page`] is somebody
//! else's: with cookies, a store and a cache of its own. It is spoken to in the
//! DevTools protocol, over a pipe: there is no port, and it ends with whoever holds
//! the other end of that, however that ends.

mod axe;
mod hand;
mod news;
mod page;
mod process;
mod site;
mod wire;

use std::{path::PathBuf, time::Duration};

use serde_json::{Value, json};

pub use axe::Violation;
pub use hand::Key;
pub use news::Complaint;
pub use page::{Cookie, Page};
pub use site::Site;

/// The variable that names the folder with what pages are made of.
const WEB: &str = "ROSTER_TEST_WEB";

/// The folder with what pages are made of: `node_modules`, with what is listed in
/// `services/suite/tests/web`, and `generated`, with the contracts in TypeScript.
///
/// # Panics
///
/// When nobody says where it is.
#[must_use]
pub fn web() -> PathBuf {
    let Some(folder) = variable(WEB) else {
        panic!("{WEB} names no folder: `cargo xtask test` makes one, target/tools/web")
    };
    folder.into()
}

#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says what there is")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Who looks at pages, and with what.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Whether the scripts of pages run.
    pub javascript: bool,
    /// The width of the window, in CSS pixels.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// Which colours are preferred.
    pub scheme: Scheme,
    /// The language that pages are asked for in and dates are written in.
    pub language: &'static str,
    /// The time zone, by its IANA name.
    pub time_zone: &'static str,
    /// What the browser says it is, if it is not to say the truth.
    pub user_agent: Option<String>,
    /// How long they wait for what does not come.
    pub patience: Duration,
}

/// Which colours somebody prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Default for Visitor {
    fn default() -> Self {
        Self {
            javascript: true,
            width: 1280,
            height: 900,
            scheme: Scheme::Light,
            language: "en-GB",
            time_zone: "Europe/Berlin",
            user_agent: None,
            patience: wire::PATIENCE,
        }
    }
}

impl Visitor {
    /// Somebody whose browser runs no scripts.
    #[must_use]
    pub fn without_javascript() -> Self {
        Self { javascript: false, ..Self::default() }
    }

    /// An empty page, in a browser that has seen nothing before.
    pub async fn page(&self) -> Page {
        Page::new(self).await
    }

    /// What makes a tab theirs: methods and what they are called with. The browser is
    /// one that calls itself `browser` by itself.
    fn settings(&self, browser: &str) -> Vec<(&'static str, Value)> {
        let scheme = match self.scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        // Nothing moves, so that it stands where it is looked for.
        let media = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]});
        let window = json!({
            "width": self.width, "height": self.height, "deviceScaleFactor": 1, "mobile": false,
        });
        let agent = json!({
            "userAgent": self.user_agent.as_deref().unwrap_or(browser),
            "acceptLanguage": self.language,
        });
        vec![
            ("Emulation.setDeviceMetricsOverride", window),
            ("Emulation.setEmulatedMedia", media),
            ("Emulation.setLocaleOverride", json!({ "locale": self.language })),
            ("Emulation.setTimezoneOverride", json!({ "timezoneId": self.time_zone })),
            ("Emulation.setUserAgentOverride", agent),
            ("Emulation.setScriptExecutionDisabled", json!({ "value": !self.javascript })),
        ]
    }
}
