//! What clients may take up.

use serde::{Deserialize, Serialize};

use crate::Networks;

/// What one client, and all of them together, may take up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The most connections at the same time; further ones are closed as soon
    /// as they come.
    pub max_connections: usize,
    /// The same for one address, or one /64 of IPv6.
    pub max_connections_per_address: usize,
    /// The most calls that are open at the same time, over all connections,
    /// those included whose request has not come whole. Further ones are
    /// refused with `RESOURCE_EXHAUSTED`.
    pub max_calls: usize,
    /// The same for one address, or one /64 of IPv6.
    pub max_calls_per_address: usize,
    /// The most calls at the same time over one connection.
    pub max_streams_per_connection: u32,
    /// The most bytes of headers of one request; each header counts for 32
    /// more than it has (RFC 9113, 6.5.2), which bounds their number.
    pub max_header_bytes: u32,
    /// The most bytes of requests and of unread answers that are kept at the
    /// same time, over all connections. What does not fit is refused with
    /// `RESOURCE_EXHAUSTED`.
    pub max_memory_bytes: usize,
    /// The same for one connection.
    pub max_memory_bytes_per_connection: usize,
    /// How long a new connection may take to say that it speaks HTTP/2, in
    /// seconds.
    pub handshake_seconds: u64,
    /// How often a silent connection is asked whether it is still there, in
    /// seconds; one that does not answer in as long again is closed.
    pub keep_alive_seconds: u64,
    /// How long a client may leave a part of an answer unread, in seconds. At
    /// twice that at the latest its connection is closed to new calls, and
    /// cut after `drain_seconds`.
    pub stall_seconds: u64,
    /// How long a connection may go without a call, in seconds. It is closed
    /// at twice that at the latest.
    pub idle_seconds: u64,
    /// How long a drain waits for accepted calls, in seconds.
    pub drain_seconds: u64,
    /// The proxies in front, whose connections are those of many clients: the
    /// bounds of one address do not hold for them, and what they say about
    /// the address of a client is believed.
    pub trusted_proxies: Networks,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 4_096,
            max_connections_per_address: 256,
            max_calls: 8_192,
            max_calls_per_address: 2_048,
            max_streams_per_connection: 128,
            max_header_bytes: 16 * 1024,
            max_memory_bytes: 256 * 1024 * 1024,
            max_memory_bytes_per_connection: 16 * 1024 * 1024,
            handshake_seconds: 10,
            keep_alive_seconds: 20,
            stall_seconds: 30,
            idle_seconds: 10 * 60,
            drain_seconds: 30,
            trusted_proxies: Networks::default(),
        }
    }
}

impl Limits {
    /// Says what is wrong with the limits, naming the key: one of 0 would
    /// keep everybody out.
    pub fn validate(&self) -> Result<(), String> {
        for (key, value) in [
            ("max_connections", self.max_connections as u64),
            ("max_connections_per_address", self.max_connections_per_address as u64),
            ("max_calls", self.max_calls as u64),
            ("max_calls_per_address", self.max_calls_per_address as u64),
            ("max_streams_per_connection", self.max_streams_per_connection.into()),
            ("max_header_bytes", self.max_header_bytes.into()),
            ("max_memory_bytes", self.max_memory_bytes as u64),
            ("max_memory_bytes_per_connection", self.max_memory_bytes_per_connection as u64),
            ("handshake_seconds", self.handshake_seconds),
            ("keep_alive_seconds", self.keep_alive_seconds),
            ("stall_seconds", self.stall_seconds),
            ("idle_seconds", self.idle_seconds),
        ] {
            if value == 0 {
                return Err(format!("{key} must be at least 1"));
            }
        }
        Ok(())
    }
}
