//! Accepting connections: the one seam between sockets and services.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::body::Body;
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http2};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::{GracefulConnection, GracefulShutdown},
};
use serde::{Deserialize, Serialize};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt};

/// The client's end of the connection that a request came over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// What one client, and all of them together, may take up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The most connections at the same time; further ones wait to be
    /// accepted.
    pub max_connections: usize,
    /// The most calls at the same time over one connection.
    pub max_streams_per_connection: u32,
    /// The most bytes of headers of one request.
    pub max_header_bytes: u32,
    /// How often a silent connection is asked whether it is still there, in
    /// seconds; one that does not answer in as long again is closed.
    pub keep_alive_seconds: u64,
    /// How long a drain waits for accepted calls, in seconds.
    pub drain_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 4_096,
            max_streams_per_connection: 128,
            max_header_bytes: 16 * 1024,
            keep_alive_seconds: 20,
            drain_seconds: 30,
        }
    }
}

/// Serves gRPC on `listener` until `stop`, then lets accepted calls end. The
/// answer is how many connections had to be cut.
pub async fn serve<S>(
    listener: TcpListener,
    service: S,
    limits: Limits,
    stop: CancellationToken,
) -> usize
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    let places = Arc::new(Semaphore::new(limits.max_connections));
    let drain = GracefulShutdown::new();
    let cut = CancellationToken::new();
    let connections = tokio_util::task::TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = stop.cancelled() => break,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let connection = drain.watch(connection(stream, peer, service.clone(), limits));
        let cut = cut.clone();
        let task = async move {
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    // Clients that vanish are everyday life.
                    tracing::debug!(%error, "connection ended");
                },
                () = cut.cancelled() => {}
            }
            drop(place);
        };
        #[expect(clippy::disallowed_methods, reason = "this function waits for its connections")]
        tokio::spawn(connections.track_future(task));
    }
    drop(listener);
    connections.close();
    let patience = Duration::from_secs(limits.drain_seconds);
    if tokio::time::timeout(patience, drain.shutdown()).await.is_ok() {
        connections.wait().await;
        return 0;
    }
    let left = connections.len();
    cut.cancel();
    connections.wait().await;
    left
}

type Accepted = (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

/// The next connection, once there is a place for it. `None` for one that
/// failed, or that came while there were no resources for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<Accepted> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Answers are small; waiting for more to send only delays them.
            stream.set_nodelay(true).ok()?;
            Some((stream, peer, place))
        }
        Err(error) => {
            tracing::warn!(%error, "connection not accepted");
            // Typically there are no file descriptors left: trying again at
            // once would only burn the processor.
            tokio::task::yield_now().await;
            None
        }
    }
}

/// Serves one connection.
fn connection<S>(
    stream: TcpStream,
    peer: SocketAddr,
    service: S,
    limits: Limits,
) -> impl GracefulConnection<Error = hyper::Error> + Send
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(PeerAddr(peer));
        service.clone().oneshot(request)
    });
    let keep_alive = Duration::from_secs(limits.keep_alive_seconds);
    http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_streams_per_connection)
        .max_header_list_size(limits.max_header_bytes)
        .keep_alive_interval(keep_alive)
        .keep_alive_timeout(keep_alive)
        .serve_connection(TokioIo::new(stream), service)
}
