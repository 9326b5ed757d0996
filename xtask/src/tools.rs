//! The tools that checks and tests drive, fetched once into `target/tools`.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{
    check::{self, root},
    postgres,
};

const GRPCURL: &str = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3";
const NATS_SERVER: &str = "github.com/nats-io/nats-server/v2@v2.14.9";
const HELM: &str = "helm.sh/helm/v3/cmd/helm@v3.19.2";
const KUBERNETES_VALIDATE: &str = "kubernetes-validate==1.37.0";
const OPENAPI: [&str; 2] = ["openapi-spec-validator==0.9.0", "schemathesis==4.32.5"];
const BUF: &str = "@bufbuild/buf@1.75.0";
const CARGO_DENY: &str = "cargo-deny@0.20.2";
const CARGO_FUZZ: &str = "cargo-fuzz@0.13.2";

/// The real `grpcurl`.
pub fn grpcurl() -> Result<PathBuf> {
    go_tool("grpcurl", GRPCURL)
}

/// The broker of the distributed mode. Older than 2.11.1, it lets clients do
/// what they may not (CVE-2025-30215).
pub fn nats_server() -> Result<PathBuf> {
    go_tool("nats-server", NATS_SERVER)
}

/// The renderer of the chart.
pub fn helm() -> Result<PathBuf> {
    go_tool("helm", HELM)
}

/// What compares objects with Kubernetes' own schemas, which it brings along.
pub fn kubernetes_validate() -> Result<PathBuf> {
    python_tools("kubernetes-validate", &[KUBERNETES_VALIDATE])
}

/// What reads the OpenAPI document, and what tries whether it is true.
pub fn schemathesis() -> Result<PathBuf> {
    python_tools("schemathesis", &OPENAPI)
}

/// A program in Python with whatever comes along, in an environment of their own.
fn python_tools(name: &str, packages: &[&str]) -> Result<PathBuf> {
    let folder = folder(name)?;
    let tool = folder.join("bin").join(name);
    if !tool.exists() {
        need("python3", "python3")?;
        let venv = || {
            let mut make = Command::new("python3");
            make.args(["-m", "venv", "--clear"]).arg(&folder);
            make
        };
        // Debian has what this needs in a package of its own.
        if fetch(name, venv()).is_err() {
            apt_get("python3-venv")?;
            fetch(name, venv())?;
        }
        let mut install = Command::new(folder.join("bin/pip"));
        install.args(["install", "--quiet", "--disable-pip-version-check"]).args(packages);
        fetch(name, install)?;
    }
    Ok(tool)
}

/// A program built from its sources, whose checksums Go compares with those of
/// its public log.
fn go_tool(name: &str, package: &str) -> Result<PathBuf> {
    let folder = folder(name)?;
    let tool = folder.join(name);
    if !tool.exists() {
        need("go", "golang-go")?;
        let mut install = Command::new("go");
        install.args(["install", package]).env("GOBIN", &folder).env("GOFLAGS", "-mod=mod");
        fetch(name, install)?;
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

/// The judge of dependencies.
pub fn cargo_deny() -> Result<PathBuf> {
    cargo_tool("cargo-deny", CARGO_DENY)
}

/// The driver of libFuzzer.
pub fn cargo_fuzz() -> Result<PathBuf> {
    need("g++", "g++")?;
    cargo_tool("cargo-fuzz", CARGO_FUZZ)
}

/// The folder with what the examples in Python run on: `venv`, with what they
/// require, and `generated`, with what is made of the contracts.
pub fn python() -> Result<PathBuf> {
    let folder = folder("python")?;
    let examples = root().join("examples/python").canonicalize()?;
    let lists = ["participant", "client"].map(|it| examples.join(it).join("requirements.txt"));
    let wanted = lists.iter().map(fs::read_to_string).collect::<std::io::Result<String>>()?;
    // Written last: without it, or with another, there is not all of it.
    let (venv, installed) = (folder.join("venv"), folder.join("installed.txt"));
    if fs::read_to_string(&installed).unwrap_or_default() != wanted {
        for left in [&venv, &installed].into_iter().filter(|it| it.exists()) {
            if left.is_dir() { fs::remove_dir_all(left)? } else { fs::remove_file(left)? }
        }
        let complete = Command::new("python3").args(["-c", "import ensurepip"]).output();
        if !complete.is_ok_and(|it| it.status.success()) {
            apt_get("python3-venv")?;
        }
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(&venv);
        fetch("python3 -m venv", make)?;
        let mut install = Command::new(venv.join("bin/python"));
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        install.args(lists.iter().flat_map(|list| ["-r".as_ref(), list.as_os_str()]));
        fetch("what the examples in Python require", install)?;
        fs::write(&installed, wanted)?;
    }
    let generated = folder.join("generated");
    if generated.exists() {
        fs::remove_dir_all(&generated)?;
    }
    let mut generate = Command::new(venv.join("bin/python"));
    generate.arg(examples.join("generate.py")).arg(&generated);
    check::run("contracts in Python", generate)?;
    Ok(folder)
}

/// The browser that pages are tested in.
pub fn chromium() -> Result<()> {
    need("chromium", "chromium")
}

/// The folder with what pages of tests are made of: `node_modules`, with what the lock
/// file lists, and `generated`, with what is made of the contracts.
pub fn web() -> Result<PathBuf> {
    let folder = folder("web")?;
    let listed = root().join("services/suite/tests/web");
    let lists = ["package.json", "package-lock.json"];
    let wanted = lists.map(|list| fs::read_to_string(listed.join(list)));
    let wanted = wanted.into_iter().collect::<std::io::Result<String>>()?;
    // Written last: without it, or with another, there is not all of it.
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).unwrap_or_default() != wanted {
        need("npm", "npm")?;
        for list in lists {
            fs::copy(listed.join(list), folder.join(list))?;
        }
        let mut install = Command::new("npm");
        install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]);
        install.current_dir(&folder);
        fetch("what pages of tests are made of", install)?;
        fs::write(&installed, wanted)?;
    }
    let generated = folder.join("generated");
    if generated.exists() {
        fs::remove_dir_all(&generated)?;
    }
    let mut generate = Command::new(buf()?);
    generate.arg("generate").arg("--template").arg(listed.join("buf.gen.yaml"));
    generate.arg("--output").arg(&generated).current_dir(root());
    generate.env("PATH", path_with(&[folder.join("node_modules/.bin/protoc-gen-ts")])?);
    check::run("contracts in TypeScript", generate)?;
    Ok(folder)
}

/// The folder of PostgreSQL's programs.
pub fn postgres() -> Result<PathBuf> {
    let folder = Path::new("/usr/lib/postgresql");
    if postgres::installed(folder).is_none() {
        apt_get("postgresql")?;
    }
    postgres::installed(folder).with_context(|| {
        format!("there is no PostgreSQL 15 or later in {}: install it", folder.display())
    })
}

/// A subcommand of cargo, built from its sources. Not optimised: it is built
/// for longer than it runs.
fn cargo_tool(name: &str, package: &str) -> Result<PathBuf> {
    let folder = folder(name)?;
    let tool = folder.join("bin").join(name);
    if !tool.exists() {
        let build = folder.join("build");
        let mut install = Command::new("cargo");
        install.args(["install", "--quiet", "--locked", "--debug", "--root"]).arg(&folder);
        install.arg("--target-dir").arg(&build).arg(package);
        install.env("CARGO_PROFILE_DEV_DEBUG", "0").current_dir(root());
        fetch(name, install)?;
        fs::remove_dir_all(&build)?;
    }
    Ok(tool)
}

/// Whether `cargo deny` has a copy of the advisories, fetched at some time.
pub fn has_advisories() -> Result<bool> {
    let home = variable("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cargo")));
    let Ok(copies) = fs::read_dir(home.context("no HOME")?.join("advisory-dbs")) else {
        return Ok(false);
    };
    let mut folders = copies.filter_map(|entry| Some(entry.ok()?.path()));
    Ok(folders.any(|folder| folder.join("crates").is_dir()))
}

/// The search path with the folders of `tools` in front.
pub fn path_with(tools: &[PathBuf]) -> Result<OsString> {
    let path = variable("PATH").unwrap_or_default();
    let folders = tools.iter().filter_map(|tool| Some(tool.parent()?.to_owned()));
    env::join_paths(folders.chain(env::split_paths(&path)))
        .context("a folder that cannot stand in PATH")
}

/// The folder of a tool: what it needs and leaves.
pub fn folder(tool: &str) -> Result<PathBuf> {
    let folder = target().join("tools").join(tool);
    fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?)
}

/// Where cargo builds.
pub fn target() -> PathBuf {
    variable("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Makes sure that `program` can be run, installing Debian's `package` where
/// it cannot.
fn need(program: &str, package: &str) -> Result<()> {
    if Command::new(program).arg("--version").output().is_ok() {
        return Ok(());
    }
    apt_get(package)
}

/// Installs Debian's `package`.
fn apt_get(package: &str) -> Result<()> {
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
