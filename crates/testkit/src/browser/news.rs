//! What a tab says of itself, unasked.

use std::fmt;

use serde_json::Value;
use tokio::sync::watch;

/// Something that went wrong in a page, as the browser's console shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// What it is about, in the browser's own words: `security` for what a
    /// Content-Security-Policy forbids, `network` for what could not be loaded,
    /// `exception`, `console` and `dialog` for what a script did, and others.
    pub source: String,
    /// What was said.
    pub text: String,
    /// Where it happened, if that is known.
    pub url: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.source, self.text, self.url)
    }
}

/// What is known of a tab.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The document that is shown.
    pub shown: String,
    /// The documents that have been loaded with all that belongs to them.
    pub loaded: Vec<String>,
    /// What went wrong.
    pub complaints: Vec<Complaint>,
    /// How many bytes have come from servers, heads and bodies, as they were sent.
    pub received: u64,
}

/// What is known of a tab, and who waits for more.
#[derive(Debug)]
pub struct News {
    /// The outermost frame, which is the tab's own name.
    frame: String,
    known: watch::Sender<Known>,
}

impl News {
    /// Nothing yet of the tab called `frame`.
    pub fn of(frame: &str) -> Self {
        Self { frame: frame.to_owned(), known: watch::Sender::default() }
    }

    /// What is known by now.
    pub fn known(&self) -> watch::Receiver<Known> {
        self.known.subscribe()
    }

    /// Forgets what went wrong, and answers it.
    pub fn take_complaints(&self) -> Vec<Complaint> {
        let mut taken = Vec::new();
        self.known.send_modify(|known| taken = std::mem::take(&mut known.complaints));
        taken
    }

    /// Counts what is received from here on.
    pub fn count_anew(&self) {
        self.known.send_modify(|known| known.received = 0);
    }

    /// Takes in what the tab says.
    pub fn note(&self, method: &str, with: &Value) {
        self.known.send_modify(|known| match method {
            "Page.frameNavigated" if with["frame"]["id"] == *self.frame => {
                known.shown = text(&with["frame"]["loaderId"]);
            }
            "Page.lifecycleEvent" if with["frameId"] == *self.frame && with["name"] == "load" => {
                known.loaded.push(text(&with["loaderId"]));
            }
            "Page.javascriptDialogOpening" => {
                known.complain("dialog", &with["message"], &with["url"]);
            }
            "Network.loadingFinished" => {
                known.received += with["encodedDataLength"].as_u64().unwrap_or_default();
            }
            "Log.entryAdded" if with["entry"]["level"] == "error" => {
                let entry = &with["entry"];
                known.complain(&text(&entry["source"]), &entry["text"], &entry["url"]);
            }
            "Runtime.exceptionThrown" => {
                let details = &with["exceptionDetails"];
                let said = details["exception"]["description"].clone();
                let said = if said.is_null() { details["text"].clone() } else { said };
                known.complain("exception", &said, &details["url"]);
            }
            "Runtime.consoleAPICalled" if with["type"] == "error" || with["type"] == "assert" => {
                let said = with["args"].as_array().into_iter().flatten();
                let said: Vec<_> = said.map(spoken).collect();
                let place = &with["stackTrace"]["callFrames"][0]["url"];
                known.complain("console", &said.join(" ").into(), place);
            }
            _ => {}
        });
    }
}

impl Known {
    fn complain(&mut self, source: &str, said: &Value, url: &Value) {
        let source = source.to_owned();
        self.complaints.push(Complaint { source, text: text(said), url: text(url) });
    }
}

/// A value that a script has written on the console.
fn spoken(value: &Value) -> String {
    match (&value["value"], &value["description"]) {
        (Value::String(text), _) | (Value::Null, Value::String(text)) => text.clone(),
        (other, _) => other.to_string(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
