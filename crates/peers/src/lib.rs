//! Services of different processes that call each other: who they are is in
//! their certificates, and for whom the edge calls is in what it signs.

mod allow;
pub mod assertion;
mod certificates;
mod incoming;
mod message;
mod name;
mod origin;
mod outgoing;
mod pool;

pub use allow::{AllowList, InvalidRule};
pub use certificates::{Identity, IdentityConfig, IdentityError, PeerListener};
pub use incoming::{Gate, layer};
pub use name::TrustDomain;
pub use outgoing::{Target, connect};

use roster_kernel::ServiceName;

/// The one service that speaks for users.
pub const GATEWAY: ServiceName = ServiceName::from_static("gateway");
