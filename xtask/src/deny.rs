//! What may be built upon: licences, sources, duplicates, and what is known
//! to be unsafe.

use std::process::Command;

use anyhow::Result;

use crate::{
    check::{root, run},
    tools,
};

/// Where the advisories are, as `cargo deny` asks for them.
const ADVISORIES: &str = "https://github.com/RustSec/advisory-db";

/// Checks `Cargo.lock` against `deny.toml`.
///
/// The advisories are a git repository. Where it cannot be reached, a copy
/// that was fetched before has to do, which `cargo deny` refuses once it is 90
/// days old; where there is none, everything else is checked, and what was not
/// is said.
pub fn check() -> Result<()> {
    run("licences, bans and sources", deny(&["licenses", "bans", "sources"])?)?;
    if reachable() {
        return run("advisories", deny(&["advisories"])?);
    }
    if tools::has_advisories()? {
        return run("advisories, as last fetched", deny(&["--disable-fetch", "advisories"])?);
    }
    eprintln!(
        "==> advisories NOT CHECKED: {ADVISORIES} is out of reach and was never fetched; \
         run `cargo xtask deny` where git reaches it"
    );
    Ok(())
}

fn reachable() -> bool {
    // A network that swallows packets must not hold up the checks.
    let mut ask = Command::new("timeout");
    ask.args(["20", "git", "ls-remote", "--exit-code", ADVISORIES, "HEAD"])
        .env("GIT_TERMINAL_PROMPT", "0");
    ask.output().is_ok_and(|answer| answer.status.success())
}

fn deny(which: &[&str]) -> Result<Command> {
    let mut command = Command::new(tools::cargo_deny()?);
    command.args(["--all-features", "--locked", "check", "--hide-inclusion-graph"]);
    command.args(which).current_dir(root());
    Ok(command)
}
