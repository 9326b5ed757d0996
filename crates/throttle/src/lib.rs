//! How often somebody may try what only somebody else should succeed in:
//! guessing a password, above all.
//!
//! An attempt is counted *before* it is made ([`reserve`]), and given back
//! when it turns out to have been no failure: attempts at the same moment
//! cannot all pass before the first of them is counted. The counts are in the
//! service's database, so neither a restart nor another replica begins anew.
//! What is counted goes by a keyed hash ([`Keys`]): no name and no address is
//! kept, and no row is longer for a longer name.

mod entity;
mod key;
mod limit;
mod migration;
mod reserve;
mod sweep;

pub use key::{Key, Keys, network};
pub use limit::Limit;
pub use migration::Migration;
pub use reserve::{Counted, Reservation, ThrottleError, forget, give_back, reserve};
pub use sweep::{MOST_ROWS, sweep};
