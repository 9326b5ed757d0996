//! The example in Python, as a process.

use std::{
    env,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use sea_orm::{ConnectionTrait as _, Database, DatabaseBackend, DatabaseConnection, Statement};

use super::installation::Installation;
use crate::{
    binary::Roster,
    cluster::{self, Ground},
};

/// The folder that names what the examples run on.
const PYTHON: &str = "ROSTER_TEST_PYTHON";

/// A program in Python, with what the examples in `folder` need and nothing of
/// this process's environment.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests provides Python")]
pub fn python(folder: &str) -> Command {
    let tools = env::var(PYTHON).unwrap_or_else(|_| {
        panic!("{PYTHON} is not set: `cargo xtask test` makes it, in target/tools/python")
    });
    let tools = PathBuf::from(tools);
    let example = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/python"));
    let modules = [tools.join("generated"), example.join(folder)];
    let mut command = Command::new(tools.join("venv/bin/python"));
    command.env_clear().env("PYTHONPATH", env::join_paths(modules).unwrap());
    // What it compiles is nobody's to find among the sources.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// The notes of one installation.
pub struct Notes<'a> {
    ground: &'a Ground,
    database: PathBuf,
}

impl<'a> Notes<'a> {
    pub fn of(installation: &'a Installation) -> Self {
        Self::on(&installation.ground, installation.folder.path())
    }

    /// Those of an installation of which there is nothing but the broker.
    pub fn on(ground: &'a Ground, folder: &Path) -> Self {
        Self { ground, database: folder.join("notes.db") }
    }

    fn command(&self) -> Command {
        let mut command = python("participant");
        command.args(["-m", "notes"]).env("NOTES_DATABASE", &self.database);
        command
    }

    /// Starts the service and waits until it serves.
    pub fn start(&self) -> Roster {
        Roster::start(self.serving())
    }

    /// The same, and has it catch up with the ledger before.
    pub fn start_caught_up(&self, identity: SocketAddr) -> Roster {
        let mut command = self.serving();
        command.env("NOTES_IDENTITY", identity.to_string());
        Roster::start(command)
    }

    fn serving(&self) -> Command {
        let certificates = cluster::certificates();
        let mut command = self.command();
        command
            .env("NOTES_CERTIFICATE", certificates.join("notes.pem"))
            .env("NOTES_KEY", certificates.join("notes.key.pem"))
            .env("NOTES_AUTHORITY", certificates.join("ca.pem"))
            .env("NOTES_BROKERS", self.ground.broker.url())
            .env("NOTES_PASSWORD_FILE", self.ground.password_file("notes").unwrap());
        command
    }

    /// Copies the database of a service that does not run.
    pub fn back_up(&self) -> PathBuf {
        let copy = self.database.with_extension("backup");
        std::fs::copy(&self.database, &copy).unwrap();
        copy
    }

    /// Puts such a copy in the place of what is there.
    pub fn put_back(&self, backup: &Path) {
        for left in ["db", "db-wal", "db-shm"] {
            // The last to close it has taken the others along.
            let _absent = std::fs::remove_file(self.database.with_extension(left));
        }
        std::fs::copy(backup, &self.database).unwrap();
    }

    /// Writes notes for a user; they may be refused.
    pub fn try_write(&self, user_id: &str, notes: &[&str]) -> Output {
        let mut command = self.command();
        command.args(["write", user_id, "-"]).stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut writing = command.spawn().unwrap();
        let mut stdin = writing.stdin.take().unwrap();
        stdin.write_all((notes.join("\n") + "\n").as_bytes()).unwrap();
        drop(stdin);
        writing.wait_with_output().unwrap()
    }

    pub fn write(&self, user_id: &str, notes: &[&str]) {
        let written = self.try_write(user_id, notes);
        assert!(written.status.success(), "{written:?}");
    }

    /// How many notes there are of a user.
    pub async fn count(&self, user_id: &str) -> i64 {
        let count = "SELECT count(*) FROM note WHERE user_id = ?";
        let count =
            Statement::from_sql_and_values(DatabaseBackend::Sqlite, count, [user_id.into()]);
        let row = self.open().await.query_one_raw(count).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }

    async fn open(&self) -> DatabaseConnection {
        let url = format!("sqlite://{}?mode=ro", self.database.display());
        Database::connect(url).await.unwrap()
    }
}
