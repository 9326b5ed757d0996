//! The figures: what Roster costs, beside floors measured in the same run.

use std::process::Command;

use anyhow::Result;

use crate::check::{cargo, run};

/// Measures, in the release profile. `only` is a part's name, or a piece of
/// it.
pub fn bench(only: Option<&str>) -> Result<()> {
    let mut bench = figures(&[]);
    bench.args(only);
    run("bench", bench)
}

/// Goes through the whole bench without measuring anything, so that it does
/// not go to seed.
pub fn rehearse() -> Result<()> {
    let mut bench = figures(&["--profile", "dev"]);
    bench.arg("--quick");
    run("bench, without measuring", bench)
}

fn figures(profile: &[&str]) -> Command {
    let mut bench = cargo(["bench", "--quiet", "--locked", "--package", "roster-suite"]);
    bench.args(profile).args(["--bench", "figures", "--"]);
    bench
}
