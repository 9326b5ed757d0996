//! Every target for some seconds: over its corpus, and over mutants of it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod mutant;

use std::{
    collections::BTreeSet,
    fs,
    io::{Write as _, stderr},
    path::{Path, PathBuf},
    thread,
};

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use roster_fuzz::{Ground, TARGETS, Target};

/// Shows the input that a target has panicked over.
struct Shown<'a>(&'a [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let _gone = writeln!(stderr().lock(), "input: b\"{}\"", self.0.escape_ascii());
        }
    }
}

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The names of what is in a folder, without what follows a point.
fn names(path: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder(path)).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder("corpus").join(target)).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Runs a target over its corpus and `mutants` mutants of it.
fn run(name: &str, mutants: usize) {
    let (_, target): &(_, Target) = TARGETS.iter().find(|(target, _)| *target == name).unwrap();
    let corpus = corpus(name);
    assert!(!corpus.is_empty(), "nothing to begin with");
    let mut ground = Ground::default();
    for input in &corpus {
        let _shown = Shown(input);
        target(&mut ground, input);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(2_026);
    for _ in 0..mutants {
        let input = mutant::of(&corpus, &mut rng);
        let _shown = Shown(&input);
        target(&mut ground, &input);
    }
}

#[test]
fn assertion() {
    run("assertion", 2_000);
}

#[test]
fn config() {
    run("config", 2_000);
}

#[test]
fn edge() {
    run("edge", 1_500);
}

#[test]
fn method() {
    run("method", 4_000);
}

#[test]
fn page_token() {
    run("page_token", 2_000);
}

#[test]
fn transcode() {
    run("transcode", 5_000);
}

#[test]
fn user_list() {
    run("user_list", 500);
}

#[test]
fn username() {
    run("username", 600);
}

#[test]
fn every_target_has_a_corpus_a_program_and_a_test() {
    let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("libfuzzer/fuzz_targets"), targets);
    let own = include_str!("main.rs");
    for target in targets {
        assert!(own.contains(&format!("run(\"{target}\"")), "{target}");
    }
}
