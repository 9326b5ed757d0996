//! Randomness as an argument.

use std::fmt;

use rand::Rng as _;

/// Where random bytes come from. Implementations outside tests are
/// cryptographically secure: tokens and keys are made from them.
pub trait Rng: fmt::Debug + Send + Sync + 'static {
    /// Overwrites `bytes` with random ones.
    fn fill(&self, bytes: &mut [u8]);
}

/// The process's cryptographically secure generator, seeded by the operating
/// system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    #[expect(clippy::disallowed_methods, reason = "the one real source of randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}
