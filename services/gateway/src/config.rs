//! How the edge is set up.

use serde::{Deserialize, Serialize};

use crate::web::is_origin;

/// The edge's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewayConfig {
    /// The most calls that are worked on at the same time, over all
    /// connections. Further ones are refused at once with
    /// `RESOURCE_EXHAUSTED`. At least 1.
    pub max_concurrent_calls: usize,
    /// The most streams that are open at the same time, over all connections;
    /// further ones are refused with `RESOURCE_EXHAUSTED`. At least 1.
    pub max_streams: usize,
    /// The same for one user, or one address where nobody is signed in.
    pub max_streams_per_caller: usize,
    /// How long a request may take to arrive, from its headers to its last
    /// byte, in seconds. At least 1.
    pub request_seconds: u64,
    /// The largest message that a client may send, in bytes. At least 1,024.
    pub max_message_bytes: usize,
    /// The other origins whose pages may call over HTTP, such as
    /// `https://app.example.com`: with a bearer token, never with a cookie.
    pub cors_origins: Vec<String>,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            max_concurrent_calls: 1_024,
            max_streams: 512,
            max_streams_per_caller: 16,
            request_seconds: 10,
            max_message_bytes: 1024 * 1024,
            cors_origins: Vec::new(),
        }
    }
}

impl GatewayConfig {
    /// Says what is wrong with the settings, naming the key.
    pub fn validate(&self) -> Result<(), String> {
        for (key, value) in [
            ("max_concurrent_calls", self.max_concurrent_calls as u64),
            ("max_streams", self.max_streams as u64),
            ("max_streams_per_caller", self.max_streams_per_caller as u64),
            ("request_seconds", self.request_seconds),
        ] {
            if value == 0 {
                return Err(format!("gateway.{key} must be at least 1"));
            }
        }
        if self.max_message_bytes < 1_024 {
            return Err("gateway.max_message_bytes must be at least 1024".to_owned());
        }
        if let Some(other) = self.cors_origins.iter().find(|origin| !is_origin(origin)) {
            return Err(format!(
                "gateway.cors_origins: `{other}` is no origin such as https://app.example.com"
            ));
        }
        Ok(())
    }
}
