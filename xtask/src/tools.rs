//! The tools that checks and tests drive, fetched once into `target/tools`.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::check::root;

const GRPCURL: &str = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3";
const BUF: &str = "@bufbuild/buf@1.75.0";

/// The real `grpcurl`.
pub fn grpcurl() -> Result<PathBuf> {
    let folder = folder("grpcurl")?;
    let tool = folder.join("grpcurl");
    if !tool.exists() {
        need("go", "golang-go")?;
        let mut install = Command::new("go");
        install.args(["install", GRPCURL]).env("GOBIN", &folder).env("GOFLAGS", "-mod=mod");
        fetch("grpcurl", install)?;
    }
    Ok(tool)
}

/// The linter of the contracts.
pub fn buf() -> Result<PathBuf> {
    let folder = folder("buf")?;
    let tool = folder.join("node_modules/.bin/buf");
    if !tool.exists() {
        need("npm", "npm")?;
        let mut install = Command::new("npm");
        install.args(["install", "--no-audit", "--no-fund", "--silent", "--prefix"]);
        install.arg(&folder).arg(BUF);
        fetch("buf", install)?;
    }
    Ok(tool)
}

/// The search path with `folder` in front.
pub fn path_with(folder: &Path) -> Result<OsString> {
    let path = variable("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(env::split_paths(&path));
    env::join_paths(folders).context("a folder that cannot stand in PATH")
}

fn folder(tool: &str) -> Result<PathBuf> {
    let target = variable("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let folder = target.join("tools").join(tool);
    fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?)
}

/// Makes sure that `program` can be run, installing Debian's `package` where
/// it cannot.
fn need(program: &str, package: &str) -> Result<()> {
    if Command::new(program).arg("--version").output().is_ok() {
        return Ok(());
    }
    let mut update = Command::new("apt-get");
    update.args(["update", "--quiet"]);
    fetch("package lists", update)?;
    let mut install = Command::new("apt-get");
    install.args(["install", "--quiet", "--yes", package]);
    fetch(package, install)
}

fn fetch(what: &str, mut command: Command) -> Result<()> {
    eprintln!("==> fetching {what}");
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(status.success(), "fetching {what}: {command:?} failed ({status})");
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a developer's tool reads its shell's environment")]
fn variable(name: &str) -> Option<OsString> {
    env::var(name).ok().map(Into::into)
}
