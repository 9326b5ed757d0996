//! How the edge is set up.

use serde::{Deserialize, Serialize};

/// The edge's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewayConfig {
    /// The most calls that are worked on at the same time, over all
    /// connections. Further ones are refused at once with
    /// `RESOURCE_EXHAUSTED`. At least 1.
    pub max_concurrent_calls: usize,
    /// The largest message that a client may send, in bytes. At least 1,024.
    pub max_message_bytes: usize,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self { max_concurrent_calls: 1_024, max_message_bytes: 1024 * 1024 }
    }
}

impl GatewayConfig {
    /// Says what is wrong with the settings, naming the key.
    pub fn validate(&self) -> Result<(), String> {
        if self.max_concurrent_calls == 0 {
            return Err("gateway.max_concurrent_calls must be at least 1".to_owned());
        }
        if self.max_message_bytes < 1_024 {
            return Err("gateway.max_message_bytes must be at least 1024".to_owned());
        }
        Ok(())
    }
}
