//! A tab, and what is in it.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::{sync::watch, time::timeout};

use super::{
    Complaint, Visitor,
    news::{Known, News},
    process::Browser,
    variable,
    wire::Refusal,
};

/// The variable that names the folder for pictures of pages. Without it there are
/// none.
const SCREENSHOTS: &str = "ROSTER_TEST_SCREENSHOTS";

/// How long a rest between two looks at a page is.
const REST: Duration = Duration::from_millis(20);

/// What a tab tells of itself.
const DOMAINS: [&str; 6] = ["Page", "Network", "Runtime", "Log", "DOM", "Accessibility"];

/// A tab of somebody's browser, closed when dropped.
#[derive(Debug)]
pub struct Page {
    somebody: Arc<Somebody>,
    tab: String,
    /// The connection to it.
    session: String,
    news: Arc<News>,
}

/// Whose cookies and whose store it is.
#[derive(Debug)]
struct Somebody {
    browser: Arc<Browser>,
    visitor: Visitor,
    context: String,
}

/// A cookie, and who may have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// What it is called.
    pub name: String,
    /// What it says.
    pub value: String,
    /// The host that it belongs to.
    pub domain: String,
    /// Where it is sent to.
    pub path: String,
    /// Whether scripts are kept from it.
    pub http_only: bool,
    /// Whether it is sent over secure connections alone.
    pub secure: bool,
    /// `Strict`, `Lax` or `None`; empty when it does not say.
    pub same_site: String,
    /// Whether it ends with the browser.
    pub session: bool,
}

impl Page {
    pub(super) async fn new(visitor: &Visitor) -> Self {
        let browser = Browser::shared();
        let context = browser.order("", "Target.createBrowserContext", json!({})).await;
        let context = text(&context["browserContextId"]);
        let visitor = visitor.clone();
        Self::of(Arc::new(Somebody { browser, visitor, context })).await
    }

    /// Another tab of the same person's.
    pub async fn another(&self) -> Self {
        Self::of(Arc::clone(&self.somebody)).await
    }

    async fn of(somebody: Arc<Somebody>) -> Self {
        let browser = &somebody.browser;
        let empty = json!({ "url": "about:blank", "browserContextId": somebody.context });
        let tab = text(&browser.order("", "Target.createTarget", empty).await["targetId"]);
        let attach = json!({ "targetId": tab, "flatten": true });
        let attached = browser.order("", "Target.attachToTarget", attach).await;
        let session = text(&attached["sessionId"]);
        let news = Arc::new(News::of(&tab));
        browser.wire().follow(&session, Arc::clone(&news));
        for domain in DOMAINS {
            browser.order(&session, &format!("{domain}.enable"), json!({})).await;
        }
        let events = json!({ "enabled": true });
        browser.order(&session, "Page.setLifecycleEventsEnabled", events).await;
        for (method, with) in somebody.visitor.settings(&browser.user_agent().await) {
            browser.order(&session, method, with).await;
        }
        Self { somebody, tab, session, news }
    }

    /// Opens `url`, and waits until all that belongs to it is there.
    ///
    /// # Panics
    ///
    /// When nothing is there.
    pub async fn open(&self, url: &str) {
        self.news.count_anew();
        let answer = self.order("Page.navigate", json!({ "url": url })).await;
        let failed = answer["errorText"].as_str();
        assert_eq!(failed, None, "{url} cannot be opened");
        let document = text(&answer["loaderId"]);
        self.until(&format!("{url} is loaded"), |known| known.loaded.contains(&document)).await;
    }

    /// Where it is.
    pub async fn url(&self) -> String {
        text(&self.evaluate("location.href").await)
    }

    /// What somebody reads on it.
    pub async fn text(&self) -> String {
        text(&self.evaluate("document.body.innerText").await)
    }

    /// Waits until `words` can be read on it.
    ///
    /// # Panics
    ///
    /// When they cannot.
    pub async fn reads(&self, words: &str) {
        let look =
            async || self.look().await.is_some_and(|text| text.contains(words)).then_some(());
        self.patiently(&format!("{words:?} can be read"), look).await;
    }

    /// What an expression of a script is, for whom a promise is waited for. The
    /// page's own scripts need not run for it, and then nothing can be waited for.
    ///
    /// # Panics
    ///
    /// When it fails.
    pub async fn evaluate(&self, expression: &str) -> Value {
        let with = json!({
            "expression": expression,
            "returnByValue": true,
            "awaitPromise": self.somebody.visitor.javascript,
        });
        let mut answer = self.order("Runtime.evaluate", with).await;
        let failed = &answer["exceptionDetails"];
        assert!(failed.is_null(), "{expression}: {failed}");
        answer["result"]["value"].take()
    }

    /// All cookies of whoever it is, ordered by name.
    pub async fn cookies(&self) -> Vec<Cookie> {
        let whose = json!({ "browserContextId": self.somebody.context });
        let answer = self.somebody.browser.order("", "Storage.getCookies", whose).await;
        let cookies = answer["cookies"].as_array().into_iter().flatten();
        let mut cookies: Vec<_> = cookies.map(Cookie::read).collect();
        cookies.sort_by(|one, other| one.name.cmp(&other.name));
        cookies
    }

    /// What went wrong in it since this was last asked for.
    pub async fn complaints(&self) -> Vec<Complaint> {
        // What has happened so far is told before this is answered.
        self.order("Runtime.evaluate", json!({ "expression": "0" })).await;
        self.news.take_complaints()
    }

    /// How many bytes have come from servers since it was last opened by its URL.
    pub async fn received(&self) -> u64 {
        self.order("Runtime.evaluate", json!({ "expression": "0" })).await;
        self.news.known().borrow().received
    }

    /// Draws the whole page into the file `name`.png, if anybody wants pictures.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    pub async fn screenshot(&self, name: &str) {
        let Some(folder) = variable(SCREENSHOTS).map(PathBuf::from) else { return };
        let size = self.order("Page.getLayoutMetrics", json!({})).await;
        let size = &size["cssContentSize"];
        let (width, height) = (&size["width"], &size["height"]);
        let whole = json!({
            "captureBeyondViewport": true,
            "clip": { "x": 0, "y": 0, "width": width, "height": height, "scale": 1 },
        });
        let picture = self.order("Page.captureScreenshot", whole).await;
        let picture = picture["data"].as_str().expect("a picture");
        let picture = STANDARD.decode(picture).expect("bytes of a picture");
        fs::create_dir_all(&folder).expect("a folder for pictures");
        fs::write(folder.join(format!("{name}.png")), picture).expect("a file for a picture");
    }

    /// The outermost frame, which is called as the tab.
    pub(super) fn frame(&self) -> &str {
        &self.tab
    }

    /// Whether the scripts of pages run in it.
    pub(super) fn runs_scripts(&self) -> bool {
        self.somebody.visitor.javascript
    }

    /// The document that is shown.
    pub(super) fn shown(&self) -> String {
        self.news.known().borrow().shown.clone()
    }

    /// Waits until another document than `before` is there, with all that belongs to
    /// it.
    pub(super) async fn until_after(&self, before: &str) {
        let arrived = |known: &Known| known.shown != before && known.loaded.contains(&known.shown);
        self.until("another page is loaded", arrived).await;
    }

    /// Calls a method, which may find nothing.
    pub(super) async fn call(&self, method: &str, with: Value) -> Result<Value, String> {
        match self.somebody.browser.wire().call(&self.session, method, with).await {
            Ok(answer) => Ok(answer),
            Err(Refusal::Said(message)) => Err(message),
            Err(Refusal::Ended) => self.somebody.browser.explain_the_end(),
        }
    }

    /// Calls a method, which has to be carried out.
    pub(super) async fn order(&self, method: &str, with: Value) -> Value {
        self.somebody.browser.order(&self.session, method, with).await
    }

    /// Looks again and again until there is something.
    pub(super) async fn patiently<T>(
        &self,
        what: &str,
        mut look: impl AsyncFnMut() -> Option<T>,
    ) -> T {
        let looking = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                let _elapsed = timeout(REST, std::future::pending::<()>()).await;
            }
        };
        match timeout(self.somebody.visitor.patience, looking).await {
            Ok(found) => found,
            Err(_elapsed) => self.despair(what).await,
        }
    }

    async fn until(&self, what: &str, holds: impl FnMut(&Known) -> bool) {
        let mut known: watch::Receiver<_> = self.news.known();
        let patience = self.somebody.visitor.patience;
        if timeout(patience, known.wait_for(holds)).await.is_err() {
            self.despair(what).await;
        }
    }

    /// What can be read now; nothing while one page takes the place of another.
    async fn look(&self) -> Option<String> {
        let with = json!({ "expression": "document.body.innerText", "returnByValue": true });
        let answer = self.call("Runtime.evaluate", with).await.ok()?;
        answer["result"]["value"].as_str().map(str::to_owned)
    }

    /// Says what there is instead of what was waited for.
    async fn despair(&self, what: &str) -> ! {
        let text = self.look().await.unwrap_or_default();
        let things = self.things().await.unwrap_or_default().join("\n");
        let complaints = self.news.take_complaints();
        let complaints: Vec<_> = complaints.iter().map(ToString::to_string).collect();
        let complaints = complaints.join("\n");
        panic!(
            "it never happened that {what}.\n\nWhat can be read:\n{text}\n\nWhat there is:\n{things}\n\n\
             What went wrong:\n{complaints}"
        );
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let wire = self.somebody.browser.wire();
        wire.leave(&self.session);
        wire.tell("", "Target.closeTarget", json!({ "targetId": self.tab }));
    }
}

impl Drop for Somebody {
    fn drop(&mut self) {
        let whose = json!({ "browserContextId": self.context });
        self.browser.wire().tell("", "Target.disposeBrowserContext", whose);
    }
}

impl Cookie {
    fn read(cookie: &Value) -> Self {
        Self {
            name: text(&cookie["name"]),
            value: text(&cookie["value"]),
            domain: text(&cookie["domain"]),
            path: text(&cookie["path"]),
            http_only: cookie["httpOnly"] == true,
            secure: cookie["secure"] == true,
            same_site: text(&cookie["sameSite"]),
            session: cookie["session"] == true,
        }
    }
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
