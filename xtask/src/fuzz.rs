//! Long runs of the fuzz targets, guided by coverage.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use crate::{
    check::{root, run},
    tools,
};

/// Runs `target`, or each target in turn, for so many seconds each.
///
/// Without the address sanitizer, which only a nightly compiler has and which
/// has little to find in safe code: so the stable one will do.
pub fn fuzz(target: Option<&str>, seconds: u64) -> Result<()> {
    let corpus = root().join("fuzz/corpus");
    let mut targets = Vec::new();
    for entry in fs::read_dir(&corpus)? {
        targets.push(entry?.file_name().into_string().ok().context("a target's name is text")?);
    }
    targets.sort();
    if let Some(target) = target {
        ensure!(targets.iter().any(|known| known == target), "the targets are {targets:?}");
        targets = vec![target.to_owned()];
    }
    targets.iter().try_for_each(|target| long_run(target, &corpus, seconds))
}

fn long_run(target: &str, corpus: &Path, seconds: u64) -> Result<()> {
    // What is found on the way goes into the first folder of inputs; the ones
    // that are checked in are only read.
    let work = tools::folder("fuzz")?;
    let (found, temporary) = (work.join("corpus").join(target), work.join("tmp"));
    fs::create_dir_all(&found)?;
    fs::create_dir_all(&temporary)?;
    let mut fuzz = Command::new(tools::cargo_fuzz()?);
    fuzz.args(["fuzz", "run", "--sanitizer", "none", "--debug-assertions"]);
    fuzz.args(["--fuzz-dir", "fuzz/libfuzzer"]).arg("--target-dir").arg(work.join("target"));
    fuzz.arg(target).arg(found).arg(corpus.join(target)).arg("--");
    fuzz.arg(format!("-max_total_time={seconds}")).args(["-max_len=4096", "-timeout=20"]);
    fuzz.env("TMPDIR", &temporary).current_dir(root());
    let ended = run(&format!("fuzzing {target}"), fuzz);
    // The programs end without tidying up.
    fs::remove_dir_all(&temporary)?;
    ended
}
