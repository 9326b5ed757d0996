//! The DevTools protocol over a pipe: JSON texts, each with a zero byte behind it.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Write as _},
    process::{ChildStdin, ChildStdout},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{sync::oneshot, time::timeout};

use super::news::News;

/// How long the browser may take for an answer, on a machine that does much else.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The connection to a browser.
#[derive(Clone, Debug)]
pub struct Wire(Arc<Ends>);

#[derive(Debug)]
struct Ends {
    to: Mutex<ChildStdin>,
    last: AtomicU64,
    listeners: Mutex<Listeners>,
}

/// Who waits for what the browser says.
#[derive(Debug, Default)]
struct Listeners {
    ended: bool,
    answers: HashMap<u64, oneshot::Sender<Value>>,
    tabs: HashMap<String, Arc<News>>,
}

/// Why there is no answer to a call.
#[derive(Debug)]
pub enum Refusal {
    /// The browser says so.
    Said(String),
    /// The browser has ended.
    Ended,
}

impl Wire {
    /// Over the two ends of the pipe, the second of which a thread listens to: it
    /// belongs to no test's runtime.
    pub fn new(to: ChildStdin, from: ChildStdout) -> Self {
        let ends = Ends {
            to: Mutex::new(to),
            last: AtomicU64::new(0),
            listeners: Mutex::new(Listeners::default()),
        };
        let wire = Self(Arc::new(ends));
        let heard = wire.clone();
        thread::spawn(move || heard.listen(from));
        wire
    }

    /// Calls a method of a tab, or with an empty `session` of the browser, and answers
    /// what it answers.
    pub async fn call(&self, session: &str, method: &str, with: Value) -> Result<Value, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.send(session, method, with, Some(answer));
        let answered = timeout(PATIENCE, answered).await;
        let answered = answered.unwrap_or_else(|_| panic!("the browser does not answer {method}"));
        let mut answered = answered.map_err(|_lost| Refusal::Ended)?;
        match answered["error"]["message"].as_str() {
            Some(message) => Err(Refusal::Said(format!("{method}: {message}"))),
            None => Ok(answered["result"].take()),
        }
    }

    /// Calls a method without waiting for what it answers.
    pub fn tell(&self, session: &str, method: &str, with: Value) {
        self.send(session, method, with, None);
    }

    fn send(
        &self,
        session: &str,
        method: &str,
        with: Value,
        answer: Option<oneshot::Sender<Value>>,
    ) {
        let id = self.0.last.fetch_add(1, Ordering::Relaxed);
        if let Some(answer) = answer {
            let mut listeners = lock(&self.0.listeners);
            // Without it, whoever asks is told at once that there is no answer.
            if !listeners.ended {
                listeners.answers.insert(id, answer);
            }
        }
        let mut message = json!({ "id": id, "method": method });
        message["params"] = with;
        if !session.is_empty() {
            message["sessionId"] = session.into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        // A browser that has ended says so by closing its end.
        let _ = lock(&self.0.to).write_all(&bytes);
    }

    /// Keeps what a tab says of itself in `news`.
    pub fn follow(&self, session: &str, news: Arc<News>) {
        lock(&self.0.listeners).tabs.insert(session.to_owned(), news);
    }

    /// Keeps it no more.
    pub fn leave(&self, session: &str) {
        lock(&self.0.listeners).tabs.remove(session);
    }

    /// Hands on what the browser says, until it ends.
    fn listen(&self, from: ChildStdout) {
        for message in BufReader::new(from).split(0) {
            let Ok(message) = message else { break };
            let Ok(message) = serde_json::from_slice::<Value>(&message) else { break };
            self.hear(message);
        }
        let mut listeners = lock(&self.0.listeners);
        listeners.ended = true;
        listeners.answers.clear();
    }

    fn hear(&self, message: Value) {
        if let Some(id) = message["id"].as_u64() {
            if let Some(answer) = lock(&self.0.listeners).answers.remove(&id) {
                // Whoever asked may have gone.
                let _ = answer.send(message);
            }
            return;
        }
        let (session, method) = (message["sessionId"].as_str(), message["method"].as_str());
        let (Some(session), Some(method)) = (session, method) else { return };
        let news = lock(&self.0.listeners).tabs.get(session).cloned();
        if let Some(news) = news {
            news.note(method, &message["params"]);
        }
        if method == "Page.javascriptDialogOpening" {
            // Nothing else happens in the page until then.
            let leave = message["params"]["type"] == "beforeunload";
            self.tell(session, "Page.handleJavaScriptDialog", json!({ "accept": leave }));
        }
    }
}

/// A test that has failed meanwhile leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
