//! Where the call came from that a service makes another one for. Identity
//! throttles by it, so it goes along; it proves nothing and decides nothing
//! about who calls.

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderName;
use roster_kernel::{Caller, Origin};
use serde::{Deserialize, Serialize};

/// The header that it travels in, beside a service's own certificate only.
pub const HEADER: HeaderName = HeaderName::from_static("roster-origin");

const MOST_USER_AGENT_CHARS: usize = 512;

#[derive(Serialize, Deserialize)]
struct Told {
    address: Option<IpAddr>,
    user_agent: String,
    correlation_id: String,
}

/// What `caller` says of where the call came from.
pub fn encode(caller: &Caller) -> Option<String> {
    let told = Told {
        address: caller.origin.address,
        user_agent: caller.origin.user_agent.chars().take(MOST_USER_AGENT_CHARS).collect(),
        correlation_id: caller.correlation_id.clone(),
    };
    Some(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&told).ok()?))
}

/// Reads what [`encode`] writes: the origin, and the name of the call.
pub fn decode(text: &str) -> Option<(Origin, String)> {
    let told: Told = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let origin = Origin { address: told.address, user_agent: told.user_agent };
    Some((origin, told.correlation_id))
}
