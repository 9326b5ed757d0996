//! Attempts, counted in a real database.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod reserve;
mod sweep;
mod world;
