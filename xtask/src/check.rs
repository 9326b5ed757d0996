//! The checks, in the order in which they fail fastest.

use std::{
    env,
    ffi::OsStr,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};

use crate::{
    bench, chart, deny,
    postgres::{Durability, Server},
    tools,
};

/// The most lines of a file outside tests.
const LONGEST: usize = 500;

/// Sizes, format, contracts, the chart, dependencies, lints and documents.
pub fn lint() -> Result<()> {
    sizes()?;
    let buf = tools::buf()?;
    run("format", cargo(["fmt", "--all", "--check"]))?;
    let mut lint = Command::new(buf);
    lint.arg("lint").current_dir(root());
    run("contracts", lint)?;
    chart::check()?;
    deny::check()?;
    run(
        "lints",
        cargo(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
    )?;
    let mut doc = cargo(["doc", "--workspace", "--no-deps", "--locked"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    run("documents", doc)
}

/// No file outside tests is longer than a reader can keep in mind.
fn sizes() -> Result<()> {
    eprintln!("==> sizes");
    let listed = Command::new("git")
        .args(["ls-files", "*.rs", "*.proto"])
        .current_dir(root())
        .output()
        .context("cannot ask git for the files")?;
    ensure!(listed.status.success(), "git does not list the files");
    let listed = String::from_utf8(listed.stdout)?;
    for file in listed.lines().filter(|file| !file.contains("/tests/")) {
        let lines = std::fs::read_to_string(root().join(file))?.lines().count();
        ensure!(lines <= LONGEST, "{file} has {lines} lines, and {LONGEST} are the most");
    }
    Ok(())
}

/// Every test, those that store something on both engines, the end of any
/// process at any moment, and a rehearsal of the bench. The tests find the tools
/// that they drive on the path.
pub fn test() -> Result<()> {
    let path = tools::path_with(&[tools::grpcurl()?, tools::nats_server()?, tools::helm()?])?;
    tools::chromium()?;
    let web = tools::web()?;
    let mut test = cargo(["test", "--workspace", "--locked"]);
    test.env("PATH", &path).env("ROSTER_TEST_WEB", &web);
    run("tests", test)?;
    test_on_postgres(&path, &web)?;
    chaos(KILLS, SEED)?;
    schemathesis(EXAMPLES, SEED)?;
    bench::rehearse()
}

/// The packages whose tests store something, and which of their tests do so on
/// either engine: those that have one of these in their names, or all.
const STORING: [(&str, &[&str]); 8] = [
    ("crates/db", &[]),
    ("crates/events", &[]),
    ("crates/participant", &[]),
    ("crates/throttle", &[]),
    ("services/identity", &[]),
    ("services/persona", &[]),
    ("services/session", &[]),
    // The others run in either mode, and those of one process on SQLite.
    (WHOLE, &["postgres::"]),
];

/// The package whose tests run all services.
const WHOLE: &str = "services/suite";

/// Those that start the real processes themselves, PostgreSQL's among them.
const CHAOS: &str = "chaos::";

/// How many of those are killed, and what chance begins with, where nobody says
/// otherwise.
pub const KILLS: u64 = 300;
pub const SEED: u64 = 20;

/// Those that try the API as its document says.
const DOCUMENT: &str = "openapi::";

/// How many requests are made up for each operation, where nobody says otherwise.
pub const EXAMPLES: u64 = 4;

/// Its tests that have nothing to show when every service runs apart, by what is
/// in their names, and why that is. All others have to hold then, too.
const OF_ONE_PROCESS: [(&str, &str); 24] = [
    ("canary::", "the log, the telemetry and the files of the one process"),
    (CHAOS, "a stage of its own, as it is a dozen processes"),
    ("deploy::", "files of the repository, which no service reads"),
    ("examples::the_rust_client_speaks_tls", "the listener of the one process"),
    ("health::who_watches_is_told", "how the one process ends"),
    ("hostile::", "the memory and the connections of the one process"),
    ("internal_socket::", "there is no such socket: services call with certificates"),
    ("kill::", "the one process killed, on SQLite; apart it is what chaos does"),
    ("odd_data::logs_stay_one_line", "the log of the one process"),
    (DOCUMENT, "a stage of its own, with a process of its own"),
    ("panel::attacks::", "what a browser does with pages, made by the same code"),
    ("panel::guide::", "the same, procedure by procedure"),
    ("panel::looks::", "pages on screens of several sizes, made by the same code"),
    ("panel::rounds::", "what a browser does with pages, made by the same code"),
    ("postgres::", "run before, as they choose their mode themselves"),
    ("process::", "the command line, the start and the end of the one process"),
    ("readme::", "commands of the README, for the one process"),
    ("restore::", "SQLite files put back; restore::postgres::apart puts schemas back"),
    ("rotate_keys::a_keyring_that_does_not_fit", "how the one process refuses to start"),
    ("rotate_keys::the_command", "the secrets in the data directory"),
    ("storage::", "SQLite files, and a disk that is full"),
    ("telemetry::export", "what the one process sends to a collector"),
    ("telemetry::listener", "where the one process answers operators"),
    ("tls::", "commands of the README, for the one process"),
];

/// Runs the tests that have been built once more, on a PostgreSQL server of
/// their own, with those that need one.
fn test_on_postgres(path: &OsStr, web: &Path) -> Result<()> {
    eprintln!("==> tests on PostgreSQL");
    let python = tools::python()?;
    let server = Server::start(Durability::Fleeting)?;
    let programs = Programs::list()?;
    for (folder, only) in STORING {
        programs.run(folder, folder, |test| {
            test.arg("--include-ignored").args(only);
            test.env("PATH", path).env("ROSTER_TEST_POSTGRES", server.url());
        })?;
    }
    for (tests, why) in OF_ONE_PROCESS {
        eprintln!("    without {tests} {why}");
    }
    programs.run("services apart", WHOLE, |test| {
        // Those that run in no other mode are ignored without it.
        test.arg("--include-ignored").env("ROSTER_TEST_MODE", "distributed");
        test.args(OF_ONE_PROCESS.iter().flat_map(|(tests, _why)| ["--skip", tests]));
        test.env("ROSTER_TEST_PYTHON", &python).env("ROSTER_TEST_WEB", web);
        test.env("PATH", path).env("ROSTER_TEST_POSTGRES", server.url());
    })
}

/// Kills and restarts the processes of an installation under load: `kills` of
/// them, chosen by `seed`.
pub fn chaos(kills: u64, seed: u64) -> Result<()> {
    let path = tools::path_with(&[tools::nats_server()?, tools::postgres()?.join("postgres")])?;
    // Each is a dozen processes and the load on them: one after the other, and
    // with the figures for whoever reads along.
    Programs::list()?.run("processes killed and restarted", WHOLE, |test| {
        test.args(["--include-ignored", "--test-threads=1", "--nocapture", CHAOS]);
        test.env("PATH", &path).env("ROSTER_KILLS", kills.to_string());
        test.env("ROSTER_KILLS_SEED", seed.to_string());
    })
}

/// Tries the API as its document says, for each kind of caller: `examples` requests
/// for each operation beside those at the bounds of its schemas, chosen by `seed`.
pub fn schemathesis(examples: u64, seed: u64) -> Result<()> {
    let tool = tools::schemathesis()?;
    Programs::list()?.run("the API as its document says", WHOLE, |test| {
        test.args(["--include-ignored", DOCUMENT]);
        test.env("ROSTER_TEST_SCHEMATHESIS", &tool);
        test.env("ROSTER_EXAMPLES", examples.to_string());
        test.env("ROSTER_EXAMPLES_SEED", seed.to_string());
    })
}

/// The tests that have been built, as cargo tells.
struct Programs(Vec<serde_json::Value>);

impl Programs {
    fn list() -> Result<Self> {
        // The same selection of packages as before: another would build again.
        let mut list = cargo(["test", "--workspace", "--locked", "--no-run"]);
        list.args(["--tests", "--message-format=json"]);
        let listed = list.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
        ensure!(listed.status.success(), "cargo does not build the tests");
        let listed = String::from_utf8(listed.stdout)?;
        Ok(Self(listed.lines().map(serde_json::from_str).collect::<Result<_, _>>()?))
    }

    /// Runs those of the package in `folder`.
    fn run(&self, what: &str, folder: &str, settings: impl Fn(&mut Command)) -> Result<()> {
        let manifest = root().canonicalize()?.join(folder).join("Cargo.toml");
        let built = |it: &&serde_json::Value| {
            it["profile"]["test"] == true && it["manifest_path"] == *manifest.to_string_lossy()
        };
        let mut found = false;
        for built in self.0.iter().filter(built) {
            let Some(program) = built["executable"].as_str() else { continue };
            found = true;
            let mut test = Command::new(program);
            test.current_dir(root().join(folder));
            settings(&mut test);
            run(what, test)?;
        }
        ensure!(found, "no tests of {folder} have been built");
        Ok(())
    }
}

/// The workspace's root.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// What the variables are called that cargo gives to a program that it runs.
const ABOUT_ITSELF: [&str; 2] = ["CARGO_MANIFEST_", "CARGO_PKG_"];

/// A command of cargo's, at the workspace's root.
pub fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(root());
    // What the outer cargo tells this program about itself is news to build
    // scripts, `ring`'s among them: they would build all anew, for an inner one
    // and after it for an outer one.
    let told = env::vars_os().map(|(name, _)| name).filter(|name| {
        name.to_str().is_some_and(|it| ABOUT_ITSELF.iter().any(|part| it.starts_with(part)))
    });
    for name in told {
        command.env_remove(name);
    }
    command
}

/// Runs a command that has to succeed.
pub fn run(what: &str, mut command: Command) -> Result<()> {
    eprintln!("==> {what}");
    let begun = Instant::now();
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(status.success(), "{what}: {command:?} failed ({status})");
    eprintln!("==> {what}: {:.0?}", begun.elapsed());
    Ok(())
}
