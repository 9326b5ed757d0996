//! The checks, in the order in which they fail fastest.

use std::{
    ffi::OsStr,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::{bench, deny, postgres::Server, tools};

/// The most lines of a file outside tests.
const LONGEST: usize = 500;

/// Sizes, format, contracts, dependencies, lints and documents.
pub fn lint() -> Result<()> {
    sizes()?;
    let buf = tools::buf()?;
    run("format", cargo(["fmt", "--all", "--check"]))?;
    let mut lint = Command::new(buf);
    lint.arg("lint").current_dir(root());
    run("contracts", lint)?;
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

/// Every test, those that store something on both engines, and a rehearsal of
/// the bench. The tests find the tools that they drive on the path.
pub fn test() -> Result<()> {
    let path = tools::path_with(&[tools::grpcurl()?, tools::nats_server()?])?;
    let mut test = cargo(["test", "--workspace", "--locked"]);
    test.env("PATH", &path);
    run("tests", test)?;
    test_on_postgres(&path)?;
    bench::rehearse()
}

/// The packages whose tests store something, and which of their tests do so on
/// either engine.
const STORING: [(&str, &str); 8] = [
    ("crates/db", ""),
    ("crates/events", ""),
    ("crates/participant", ""),
    ("crates/throttle", ""),
    ("services/identity", ""),
    ("services/persona", ""),
    ("services/session", ""),
    // The others look into the files of SQLite.
    ("services/suite", "postgres::"),
];

/// Runs the tests that have been built once more, on a PostgreSQL server of
/// their own, with those that need one.
fn test_on_postgres(path: &OsStr) -> Result<()> {
    eprintln!("==> tests on PostgreSQL");
    let server = Server::start()?;
    // The same selection of packages as before: another would build again.
    let mut list = cargo(["test", "--workspace", "--locked", "--no-run"]);
    list.args(["--tests", "--message-format=json"]);
    let listed = list.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    ensure!(listed.status.success(), "cargo does not build the tests");
    let listed = String::from_utf8(listed.stdout)?;
    for (folder, only) in STORING {
        let manifest = root().canonicalize()?.join(folder).join("Cargo.toml");
        let mut found = false;
        for line in listed.lines() {
            let built: serde_json::Value = serde_json::from_str(line)?;
            let Some(program) = built["executable"].as_str() else { continue };
            if built["profile"]["test"] != true
                || built["manifest_path"] != *manifest.to_string_lossy()
            {
                continue;
            }
            found = true;
            let mut test = Command::new(program);
            test.args(["--include-ignored", only]).current_dir(root().join(folder));
            test.env("PATH", path).env("ROSTER_TEST_POSTGRES", server.url());
            run(folder, test)?;
        }
        ensure!(found, "no tests of {folder} have been built");
    }
    Ok(())
}

/// The workspace's root.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A command of cargo's, at the workspace's root.
pub fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(root());
    command
}

/// Runs a command that has to succeed.
pub fn run(what: &str, mut command: Command) -> Result<()> {
    eprintln!("==> {what}");
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(status.success(), "{what}: {command:?} failed ({status})");
    Ok(())
}
