//! What anybody can send to the public listener, and what comes of it:
//! driven by the descriptors, so that a method or a rule that is added is
//! tested, or fails the test for want of a fixture.

mod access;
mod bad_requests;
mod cast;
pub mod contract;
mod fixture;
mod identity_claims;
mod mutation;
mod protocol;
mod rules;
pub mod wire;

use crate::world::World;

/// A world in which people can register, so that every implemented method
/// has a request that succeeds.
async fn open_world() -> World {
    World::with(|config| config.identity.allow_registration = true).await
}
