//! Services of different processes, over real sockets with real certificates.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot begin has failed")]

mod refusals;
mod rotation;
mod way;
mod world;
