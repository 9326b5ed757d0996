//! What axe-core finds wrong with a page for those who cannot see it well, or use a
//! mouse.

use std::{fmt, fs};

use serde_json::{Value, json};

use super::{Page, page::text, web};

/// All that is asked for: WCAG 2.2 at the levels A and AA, and what is good practice.
const RUN: &str = "axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    rules: { 'target-size': { enabled: true } },
    resultTypes: ['violations'],
}).then(({ violations }) => violations)";

/// A rule that a page breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What axe-core calls the rule.
    pub rule: String,
    /// What it asks for.
    pub help: String,
    /// Each place: the markup, and what is wrong with it.
    pub places: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.help)?;
        self.places.iter().try_for_each(|place| write!(f, "\n  {}", place.replace('\n', "\n    ")))
    }
}

impl Page {
    /// The rules that it breaks, as it stands now.
    ///
    /// # Panics
    ///
    /// When there is no axe-core, or it cannot judge.
    pub async fn violations(&self) -> Vec<Violation> {
        let axe = fs::read_to_string(web().join("node_modules/axe-core/axe.min.js"));
        let axe = axe.expect("axe-core, where npm puts it");
        // A world of its own: it leaves nothing in the page's, and the page's policy
        // does not keep it out.
        let world = json!({ "frameId": self.frame(), "worldName": "axe" });
        let world = self.order("Page.createIsolatedWorld", world).await;
        let world = &world["executionContextId"];
        self.let_scripts_run(true).await;
        self.judge(world, &axe).await;
        let found = self.judge(world, RUN).await;
        self.let_scripts_run(self.runs_scripts()).await;
        found.as_array().expect("a list").iter().map(Violation::read).collect()
    }

    /// # Panics
    ///
    /// When it breaks any rule: with all that it breaks.
    pub async fn is_accessible(&self) {
        let found: Vec<_> = self.violations().await.iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "{}:\n{}", self.url().await, found.join("\n"));
    }

    /// The page's own have had their turn, or not, as it was loaded.
    async fn let_scripts_run(&self, run: bool) {
        self.order("Emulation.setScriptExecutionDisabled", json!({ "value": !run })).await;
    }

    async fn judge(&self, world: &Value, script: &str) -> Value {
        let with = json!({
            "expression": script, "contextId": world, "awaitPromise": true, "returnByValue": true,
        });
        let mut answer = self.order("Runtime.evaluate", with).await;
        let failed = &answer["exceptionDetails"];
        assert!(failed.is_null(), "axe-core fails: {failed}");
        answer["result"]["value"].take()
    }
}

impl Violation {
    fn read(violation: &Value) -> Self {
        let places = violation["nodes"].as_array().into_iter().flatten();
        let place = |it: &Value| format!("{}\n{}", text(&it["html"]), text(&it["failureSummary"]));
        Self {
            rule: text(&violation["id"]),
            help: text(&violation["help"]),
            places: places.map(place).collect(),
        }
    }
}
