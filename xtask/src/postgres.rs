//! A PostgreSQL server for the time of the tests.

use std::{
    fs,
    os::unix::{fs as unix, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{check::run, tools};

/// How long the server may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// Debian's `nobody`: `postgres` does not run as root.
const NOBODY: u32 = 65_534;

/// Room for many tests at a time. It listens on its socket only, so there is no
/// port to be taken.
const SETTINGS: [&str; 3] = ["listen_addresses=", "max_connections=400", "log_min_messages=fatal"];

/// What only costs time where nothing has to last.
const FLEETING: [&str; 3] = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

/// Whether what is committed has to survive the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It has: as an installation would have it.
    Lasting,
    /// It has not: for tests.
    Fleeting,
}

/// A running server, stopped and removed when dropped.
#[derive(Debug)]
pub struct Server {
    process: Child,
    folder: TempDir,
}

impl Server {
    /// Starts a server with nothing in it.
    pub fn start(durability: Durability) -> Result<Self> {
        let programs = tools::postgres()?;
        let folder = tempfile::Builder::new().prefix("roster-postgres-").tempdir()?;
        let place = folder.path().to_owned();
        let root = rustix::process::geteuid().is_root();
        if root {
            unix::chown(&place, Some(NOBODY), Some(NOBODY))?;
        }
        let command = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command.current_dir(&place).stdin(Stdio::null());
            if root {
                command.uid(NOBODY).gid(NOBODY);
            }
            command
        };
        let data = place.join("data");
        initialize(command("initdb"), &data)?;
        let mut serve = command("postgres");
        serve.arg("-D").arg(&data).arg("-k").arg(&place);
        serve.args(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
        if durability == Durability::Fleeting {
            serve.args(FLEETING.iter().flat_map(|setting| ["-c", setting]));
        }
        let log = fs::File::create(place.join("log"))?;
        serve.stdout(log.try_clone()?).stderr(log);
        // Ctrl-C is for who started it, who ends it in its turn.
        serve.process_group(0);
        let process = serve.spawn().context("cannot start postgres")?;
        let mut server = Self { process, folder };
        server.wait(command("psql"))?;
        Ok(server)
    }

    /// Its process, whose children serve the connections.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Its URL, without a database.
    pub fn url(&self) -> String {
        format!("postgres://roster@localhost?host={}", self.folder.path().display())
    }

    /// Where one of its databases is.
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://roster@localhost/{database}?host={}", self.folder.path().display())
    }

    /// Makes a database.
    pub fn create(&self, database: &str) -> Result<()> {
        let mut create = Command::new(tools::postgres()?.join("createdb"));
        create.args(["-U", "roster", "-h"]).arg(self.folder.path()).arg(database);
        run("createdb", create)
    }

    /// Waits until it answers.
    fn wait(&mut self, mut ask: Command) -> Result<()> {
        ask.args(["-U", "roster", "-d", "postgres", "-c", "SELECT 1", "-h"]);
        ask.arg(self.folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let until = Instant::now() + PATIENCE;
        while !ask.status().context("cannot start psql")?.success() {
            if let Some(status) = self.process.try_wait()? {
                bail!("PostgreSQL does not start ({status}):\n{}", self.log());
            }
            ensure!(Instant::now() < until, "PostgreSQL does not answer:\n{}", self.log());
            #[expect(clippy::disallowed_methods, reason = "another process is waited for")]
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // "Immediate shutdown": there is nothing to keep. Its children go, too.
        let _ = kill_process(Pid::from_child(&self.process), Signal::QUIT);
        let _ = self.process.wait();
    }
}

/// Makes a place for the server's data.
fn initialize(mut initdb: Command, data: &Path) -> Result<()> {
    initdb.args(["--auth=trust", "--username=roster", "--encoding=UTF8", "--no-sync"]);
    // An order of texts that is not that of their bytes, as databases often
    // have it: what relies on one has to say so.
    initdb.args(["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]);
    initdb.arg("-D").arg(data);
    let output = initdb.output().context("cannot start initdb")?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "initdb failed ({}):\n{told}", output.status);
    Ok(())
}

/// Where Debian keeps the newest version that is installed, if one is.
pub fn installed(folder: &Path) -> Option<PathBuf> {
    let versions = fs::read_dir(folder).ok()?;
    let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let versions = versions.filter_map(|entry| Some(entry.ok()?.path()));
    let newest = versions.filter(|it| it.join("bin/initdb").exists()).max_by_key(version)?;
    (version(&newest)? >= OLDEST).then(|| newest.join("bin"))
}

/// The oldest version that Roster works with.
const OLDEST: u32 = 15;
