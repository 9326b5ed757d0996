//! What is fuzzed: one function for each target, which takes any bytes and
//! panics when Roster does what it must not.
//!
//! The services keep their types to themselves, so the targets come in where
//! strangers do: through a service's methods and through the edge. What is
//! expected is then a promise of the contracts, not a detail of a parser.
//!
//! `tests/it` runs each target for some seconds on the stable toolchain, over
//! `corpus/` and mutants of it; `libfuzzer/` for as long as one likes, guided
//! by coverage: `cargo xtask fuzz`. Parts of an input are separated by the
//! byte 0xFF, which no text contains.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a target panics to report")]

mod assertion;
mod config;
mod edge;
mod input;
mod method;
mod page_token;
mod transcode;
mod user_list;
mod username;
mod verdict;
mod world;

pub use assertion::assertion;
pub use config::config;
pub use edge::edge;
pub use method::method;
pub use page_token::page_token;
pub use transcode::transcode;
pub use user_list::user_list;
pub use username::username;

use std::sync::{Mutex, PoisonError};

pub use world::Ground;

/// A target: reports by panicking.
pub type Target = fn(&mut Ground, &[u8]);

/// Every target with its name, which is that of its corpus and of its program
/// in `libfuzzer/`.
pub const TARGETS: [(&str, Target); 8] = [
    ("assertion", assertion),
    ("config", config),
    ("edge", edge),
    ("method", method),
    ("page_token", page_token),
    ("transcode", transcode),
    ("user_list", user_list),
    ("username", username),
];

/// Runs `target` on the one ground of this process.
pub fn run(target: Target, data: &[u8]) {
    static GROUND: Mutex<Option<Ground>> = Mutex::new(None);
    let mut ground = GROUND.lock().unwrap_or_else(PoisonError::into_inner);
    target(ground.get_or_insert_default(), data);
}
