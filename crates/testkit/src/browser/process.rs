//! The browser's processes.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::wire::{Refusal, Wire};

const MISSING: &str = "chromium is not in PATH: `cargo xtask test` installs Debian's package";

/// Chromium listens at the descriptors 3 and 4, which a shell makes of its own input
/// and output.
const PIPED: &str = "exec chromium \"$@\" 3<&0 4>&1 </dev/null >/dev/null";

/// What the shell says of a program that it does not find.
const NOT_FOUND: i32 = 127;

const ARGUMENTS: [&str; 17] = [
    "--remote-debugging-pipe",
    "--headless=new",
    // Of the tests' own pages there is nothing to fear, and root has no other way.
    "--no-sandbox",
    "--disable-gpu",
    // Containers have little of it.
    "--disable-dev-shm-usage",
    "--disable-quic",
    // Nothing but what the tests ask for, and from nowhere but this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--no-proxy-server",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-breakpad",
    "--hide-scrollbars",
];

/// A running browser, ended when dropped.
#[derive(Debug)]
pub struct Browser {
    wire: Wire,
    process: Mutex<Child>,
    folder: TempDir,
}

/// The one that tests have which run now.
static SHARED: Mutex<Weak<Browser>> = Mutex::new(Weak::new());

impl Browser {
    /// The one that runs, or one that is started. The last test that has it
    /// ends it.
    pub fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let browser = Arc::new(Self::start());
            *shared = Arc::downgrade(&browser);
            browser
        })
    }

    fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("roster-browser-").tempdir();
        let folder = folder.expect("a temporary folder");
        let log = File::create(folder.path().join("log")).expect("a file to write");
        let mut command = Command::new("sh");
        command.args(["-c", PIPED, "sh"]).args(ARGUMENTS);
        command.arg(format!("--user-data-dir={}", folder.path().join("profile").display()));
        for place in ["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"] {
            command.env(place, folder.path());
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        // All its processes end together.
        command.process_group(0);
        let mut process = command.spawn().expect("a shell");
        let (to, from) = (process.stdin.take(), process.stdout.take());
        let wire = Wire::new(to.expect("a pipe to it"), from.expect("a pipe from it"));
        Self { wire, process: Mutex::new(process), folder }
    }

    /// The connection to it.
    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Calls a method of a tab that it has to carry out, or with an empty `session` one of
    /// its own.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub async fn order(&self, session: &str, method: &str, with: Value) -> Value {
        match self.wire.call(session, method, with).await {
            Ok(answer) => answer,
            Err(Refusal::Said(message)) => panic!("{message}"),
            Err(Refusal::Ended) => self.explain_the_end(),
        }
    }

    /// What it calls itself.
    pub async fn user_agent(&self) -> String {
        let version = self.order("", "Browser.getVersion", json!({})).await;
        version["userAgent"].as_str().expect("a name").to_owned()
    }

    /// Says why there is no browser any more.
    pub fn explain_the_end(&self) -> ! {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let status = process.wait().expect("a process that has ended");
        assert!(status.code() != Some(NOT_FOUND), "{MISSING}");
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        panic!("the browser has ended ({status}):\n{log}");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let process = self.process.get_mut().unwrap_or_else(PoisonError::into_inner);
        // It may have ended already.
        let _ = kill_process_group(Pid::from_child(process), Signal::KILL);
        let _ = process.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use rustix::process::test_kill_process;

    use super::*;

    #[tokio::test]
    async fn a_browser_ends_with_a_test_that_fails() {
        let browser = Browser::start();
        assert!(browser.user_agent().await.contains("Chrome"));
        let process = Pid::from_child(&browser.process.lock().unwrap());
        assert!(test_kill_process(process).is_ok());
        let failing = catch_unwind(AssertUnwindSafe(move || {
            let _ending = browser;
            panic!("as a test does");
        }));
        assert!(failing.is_err());
        assert!(test_kill_process(process).is_err());
    }
}
