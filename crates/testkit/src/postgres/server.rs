//! A PostgreSQL server of a test's own, which may be ended and comes back.

use std::{
    fs,
    os::unix::{fs as unix, process::CommandExt as _},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use sea_orm::{ConnectionTrait as _, Database};
use tempfile::TempDir;

use crate::eventually;

/// Debian's `nobody`: `postgres` does not run as root.
const NOBODY: u32 = 65_534;

/// How long is waited for one answer. A driver that finds nobody waits for somebody
/// to come, and nobody starts the server again meanwhile.
const LOOK: Duration = Duration::from_secs(1);

/// Its one database.
const DATABASE: &str = "roster";

/// What is committed has to outlive the server, and not the machine: it is written
/// (`synchronous_commit`, `full_page_writes`), and nothing waits for the disk. It
/// listens on its socket only.
const SETTINGS: [&str; 6] = [
    "listen_addresses=",
    "synchronous_commit=on",
    "full_page_writes=on",
    "fsync=off",
    "max_connections=300",
    "log_min_messages=fatal",
];

/// A server whose programs are found on the path, with one empty database;
/// ended and removed when dropped.
#[derive(Debug)]
pub struct OwnPostgres {
    folder: TempDir,
    server: Child,
}

impl OwnPostgres {
    /// A server that answers.
    ///
    /// # Panics
    ///
    /// When it cannot be made.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        if geteuid().is_root() {
            unix::chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("a folder to give away");
        }
        let mut initdb = command(folder.path(), "initdb");
        initdb.args(["--auth=trust", "--username=roster", "--encoding=UTF8", "--no-sync"]);
        initdb.args(["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]);
        let made = initdb.arg("-D").arg(folder.path().join("data")).output();
        let made = made.expect("initdb is not in PATH: it is in PostgreSQL's own folder");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let server = launch(folder.path());
        let mut server = Self { folder, server };
        server.answers("postgres").await;
        let url = server.url_of("postgres");
        let connection = Database::connect(url).await.expect("a server that answers");
        let create = format!("CREATE DATABASE {DATABASE}");
        connection.execute_unprepared(&create).await.expect("a database");
        connection.close().await.expect("a connection that closes");
        server
    }

    /// Where its database is.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(DATABASE)
    }

    fn url_of(&self, database: &str) -> String {
        format!("postgres://roster@localhost/{database}?host={}", self.folder.path().display())
    }

    /// Ends it where it stands; its children find that out by themselves.
    ///
    /// # Panics
    ///
    /// When it cannot be ended.
    pub fn kill(&mut self) {
        self.server.kill().expect("a server to end");
        self.server.wait().expect("a server that has ended");
    }

    /// Starts it again where it has ended. It refuses to begin while children of
    /// the one before are still there, so this has to be said more than once.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub fn revive(&mut self) {
        if self.server.try_wait().expect("a server of one's own").is_some() {
            self.server = launch(self.folder.path());
        }
    }

    /// Tells it to end, whatever it is about, and waits until it has.
    ///
    /// # Panics
    ///
    /// When it cannot be ended.
    pub async fn stop(&mut self) {
        // "Fast": open transactions are undone, and whoever waits is told.
        kill_process(Pid::from_child(&self.server), Signal::INT).expect("a server to end");
        eventually(async || self.server.try_wait().expect("a server of one's own").is_some()).await;
    }

    /// Waits until it answers, starting it again where it has ended.
    pub async fn is_back(&mut self) {
        self.answers(DATABASE).await;
    }

    async fn answers(&mut self, database: &str) {
        let url = self.url_of(database);
        eventually(async || {
            self.revive();
            let answer = async {
                let Ok(connection) = Database::connect(&url).await else { return false };
                let answered = connection.execute_unprepared("SELECT 1").await.is_ok();
                answered && connection.close().await.is_ok()
            };
            tokio::time::timeout(LOOK, answer).await.unwrap_or(false)
        })
        .await;
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        // "Immediate": there is nothing to keep. Its children go, too.
        let _gone = kill_process(Pid::from_child(&self.server), Signal::QUIT);
        let _gone = self.server.wait();
    }
}

fn command(folder: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null());
    if geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn launch(folder: &Path) -> Child {
    let mut serve = command(folder, "postgres");
    serve.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
    serve.args(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log"));
    let log = log.expect("a file for its log");
    serve.stdout(log.try_clone().expect("a file for its log")).stderr(log);
    serve.spawn().expect("postgres is not in PATH: it is in PostgreSQL's own folder")
}
