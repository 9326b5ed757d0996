//! The figures: what Roster costs, beside floors measured in the same run.

use std::{path::Path, process::Command};

use anyhow::Result;

use crate::{
    check::{cargo, run},
    cluster::Cluster,
    postgres::Durability,
    tools,
};

/// The part that needs services of their own processes.
const APART: &str = "apart";

/// Measures, in the release profile. `only` is a part's name, or a piece of
/// it.
pub fn bench(only: Option<&str>) -> Result<()> {
    if only != Some(APART) {
        let mut bench = figures(&[]);
        bench.args(only);
        run("bench", bench)?;
    }
    if only.is_some_and(|only| !APART.contains(only)) {
        return Ok(());
    }
    let build = cargo(["build", "--release", "--locked", "--package", "roster-suite"]);
    run("build", build)?;
    let roster = tools::target().join("release/roster");
    apart(&roster, Durability::Lasting, figures(&[]))
}

/// Goes through the whole bench without measuring anything, so that it does
/// not go to seed.
pub fn rehearse() -> Result<()> {
    let quick = || {
        let mut bench = figures(&["--profile", "dev"]);
        bench.arg("--quick");
        bench
    };
    run("bench, without measuring", quick())?;
    // The tests have built it.
    apart(&tools::target().join("debug/roster"), Durability::Fleeting, quick())
}

/// Measures services that run apart.
fn apart(roster: &Path, durability: Durability, mut bench: Command) -> Result<()> {
    let (cluster, told) = Cluster::for_the_bench(roster, durability)?;
    bench.arg("--apart").arg(told);
    let measured = run("bench of services apart", bench);
    drop(cluster);
    measured
}

fn figures(profile: &[&str]) -> Command {
    let mut bench = cargo(["bench", "--quiet", "--locked", "--package", "roster-suite"]);
    bench.args(profile).args(["--bench", "figures", "--"]);
    bench
}
