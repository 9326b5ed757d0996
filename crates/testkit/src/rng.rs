//! Randomness that is the same in every run.

use std::sync::{Mutex, PoisonError};

use rand::{Rng as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A generator whose bytes follow from its seed.
#[derive(Debug)]
pub struct SeededRng(Mutex<ChaCha8Rng>);

impl SeededRng {
    /// The generator of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha8Rng::seed_from_u64(seed)))
    }
}

impl roster_kernel::Rng for SeededRng {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}
