//! Accepting connections: the one seam between sockets and services.

mod connection;
mod listener;

use std::{convert::Infallible, io, net::SocketAddr, time::Duration};

use axum::body::Body;
use http::{Request, Response};
use serde::{Deserialize, Serialize};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tower::Service;

pub(crate) use connection::rest;
use connection::{Ended, connection};
pub use listener::Listener;

use crate::metrics::ConnectionMeter;

/// How long accepting rests when the process has run out of what a
/// connection needs.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// The client's end of the connection that a request came over, where it has
/// an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// What one client, and all of them together, may take up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The most connections at the same time; further ones are closed as soon
    /// as they come.
    pub max_connections: usize,
    /// The most calls at the same time over one connection.
    pub max_streams_per_connection: u32,
    /// The most bytes of headers of one request.
    pub max_header_bytes: u32,
    /// How long a new connection may take to say that it speaks HTTP/2, in
    /// seconds.
    pub handshake_seconds: u64,
    /// How often a silent connection is asked whether it is still there, in
    /// seconds; one that does not answer in as long again is closed.
    pub keep_alive_seconds: u64,
    /// How long a connection may go without a call, in seconds. It is closed
    /// at twice that at the latest.
    pub idle_seconds: u64,
    /// How long a drain waits for accepted calls, in seconds.
    pub drain_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 4_096,
            max_streams_per_connection: 128,
            max_header_bytes: 16 * 1024,
            handshake_seconds: 10,
            keep_alive_seconds: 20,
            idle_seconds: 10 * 60,
            drain_seconds: 30,
        }
    }
}

impl Limits {
    /// Says what is wrong with the limits, naming the key: one of 0 would
    /// keep everybody out.
    pub fn validate(&self) -> Result<(), String> {
        for (key, value) in [
            ("max_connections", self.max_connections as u64),
            ("max_streams_per_connection", self.max_streams_per_connection.into()),
            ("max_header_bytes", self.max_header_bytes.into()),
            ("handshake_seconds", self.handshake_seconds),
            ("keep_alive_seconds", self.keep_alive_seconds),
            ("idle_seconds", self.idle_seconds),
        ] {
            if value == 0 {
                return Err(format!("{key} must be at least 1"));
            }
        }
        Ok(())
    }
}

/// Serves gRPC on `listener` until `stop`, then lets accepted calls end. The
/// answer is how many connections had to be cut.
///
/// When this future is dropped, the connections are cut with it.
pub async fn serve<L, S>(
    listener: L,
    service: S,
    limits: Limits,
    meter: ConnectionMeter,
    stop: CancellationToken,
) -> usize
where
    L: Listener,
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    let mut connections = JoinSet::new();
    let mut full = false;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((opening, peer)) if connections.len() < limits.max_connections => {
                    full = false;
                    let served = connection(opening, peer, service.clone(), limits, stop.clone());
                    let open = meter.opened();
                    connections.spawn(async move {
                        let _open = open;
                        served.await
                    });
                }
                Ok(_refused) => {
                    meter.refused();
                    // Told once, not for each: a flood must not fill the log too.
                    if !full {
                        let limit = limits.max_connections;
                        tracing::warn!(limit, "connections refused: there are too many");
                    }
                    full = true;
                }
                Err(error) => rest_after(&error).await,
            },
            Some(ended) = connections.join_next() => {
                cut(ended);
            }
            () = stop.cancelled() => break,
        }
    }
    // Whoever comes from now on finds another replica, or nobody.
    drop(listener);
    let mut left = 0;
    while let Some(ended) = connections.join_next().await {
        left += usize::from(cut(ended));
    }
    left
}

/// Whether a connection had to be cut.
fn cut(ended: Result<Ended, JoinError>) -> bool {
    match ended {
        Ok(ended) => ended == Ended::Cut,
        Err(error) => {
            tracing::error!(%error, "a connection ended by a defect");
            false
        }
    }
}

/// After a failure to accept: one that concerns the client alone is over with
/// it. Any other means that there are no file descriptors or no memory left,
/// and trying again at once would only burn the processor.
async fn rest_after(error: &io::Error) {
    let of_client = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    );
    if !of_client {
        tracing::warn!(%error, "connection not accepted");
        connection::rest(ACCEPT_REST).await;
    }
}
