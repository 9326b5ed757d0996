//! Where a call comes from, as far as the edge can see.

use http::{header::USER_AGENT, request::Parts};
use roster_kernel::Origin;
use roster_server::PeerAddr;

/// The longest user agent that is kept, in characters.
const USER_AGENT_CHARS: usize = 512;

/// The client's address, from the connection, and what it calls itself.
/// Headers that claim another address are for proxies; without a configured
/// one they are just something a client says.
pub fn of(head: &Parts) -> Origin {
    let address = head.extensions.get::<PeerAddr>().map(|peer| peer.0.ip().to_canonical());
    let user_agent = head
        .headers
        .get(USER_AGENT)
        .map(|value| {
            String::from_utf8_lossy(value.as_bytes()).chars().take(USER_AGENT_CHARS).collect()
        })
        .unwrap_or_default();
    Origin { address, user_agent }
}
