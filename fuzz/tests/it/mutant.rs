//! Inputs that are almost those of a corpus.

use rand::{Rng as _, RngExt as _};
use rand_chacha::ChaCha8Rng;

/// What is worth trying anywhere: ends, separators, numbers at their bounds,
/// and text that is not what it seems.
const MORSELS: &[&[u8]] = &[
    b"\xff",
    b"\0",
    b"\n",
    b"%",
    b"_",
    b"\\",
    b"'",
    b"\"",
    b";",
    b",",
    b" desc",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
    b"\xff\xff\xff\xff\x0f",
    b"-1",
    b"18446744073709551616",
    "\u{202e}".as_bytes(),
    "\u{200b}".as_bytes(),
    "\u{feff}".as_bytes(),
    "\u{3a3}".as_bytes(),
    "\u{130}".as_bytes(),
    "\u{1e9e}".as_bytes(),
    "\u{ff21}".as_bytes(),
    "a\u{308}".as_bytes(),
    "\u{5d0}".as_bytes(),
    "\u{10ffff}".as_bytes(),
];

/// A mutant of one of `corpus`.
pub fn of(corpus: &[Vec<u8>], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = one_of(corpus, rng).clone();
    for _ in 0..rng.random_range(1..=4) {
        mutate(&mut bytes, corpus, rng);
    }
    bytes
}

fn one_of<'a, T>(all: &'a [T], rng: &mut ChaCha8Rng) -> &'a T {
    &all[rng.random_range(0..all.len())]
}

fn mutate(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], rng: &mut ChaCha8Rng) {
    let at = rng.random_range(0..=bytes.len());
    let end = rng.random_range(at..=bytes.len());
    match rng.random_range(0..8) {
        0 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
        1 if at < bytes.len() => bytes[at] = rng.random(),
        2 => drop(bytes.splice(at..at, one_of(MORSELS, rng).iter().copied())),
        3 => drop(bytes.splice(at..end, one_of(MORSELS, rng).iter().copied())),
        4 => drop(bytes.drain(at..end)),
        5 => {
            let other = one_of(corpus, rng);
            let from = rng.random_range(0..=other.len());
            bytes.splice(at..end, other[from..].iter().copied());
        }
        6 => {
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        _ => {
            let mut random = [0; 4];
            rng.fill_bytes(&mut random);
            bytes.splice(at..at, random);
        }
    }
}
