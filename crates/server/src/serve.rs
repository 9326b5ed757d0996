//! Accepting connections: the one seam between sockets and services.

mod body;
mod budget;
mod calls;
mod connection;
mod limits;
mod listener;
mod places;
mod socket;

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, time::Duration};

use axum::body::Body;
use http::{Request, Response};
use roster_kernel::ServiceName;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tower::Service;

pub(crate) use connection::rest;
use connection::{Ended, connection};
pub use limits::Limits;
pub use listener::Listener;
use places::{Full, Places};

use crate::metrics::ConnectionMeter;

/// How long accepting rests when the process has run out of what a
/// connection needs.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// How long those are let in, when a drain begins, who have connected by then.
const LAST_LOOK: Duration = Duration::from_millis(50);

/// The client's end of the connection that a request came over, where it has
/// an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// The service at the other end of the connection that a request came over,
/// where its certificate proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerService(pub ServiceName);

/// The connection that a request came over is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encrypted;

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
    L: Listener + 'static,
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    let places = Places::new(limits);
    let mut connections = JoinSet::new();
    let mut full = false;
    let mut take = |accepted, connections: &mut JoinSet<Ended>| {
        let (opening, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => return Some(error),
        };
        match places.take(peer) {
            Ok(place) => {
                full = false;
                let (service, stop) = (service.clone(), stop.clone());
                let served = connection::<L, _>(opening, peer, place, service, stop);
                let open = meter.opened();
                connections.spawn(async move {
                    let _open = open;
                    served.await
                });
            }
            Err(reason) => {
                meter.refused();
                refused(reason, &mut full, places.limits());
            }
        }
        None
    };
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Some(error) = take(accepted, &mut connections) {
                rest_after(&error).await;
            },
            Some(ended) = connections.join_next() => {
                cut(ended);
            }
            () = stop.cancelled() => break,
        }
    }
    // Who has connected already may have sent calls that nobody has looked at:
    // whoever waits here is let in, to be told in order.
    let mut last = pin!(rest(LAST_LOOK));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = last.as_mut() => break,
        };
        if take(accepted, &mut connections).is_some() {
            break;
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

/// Tells the log, once and not for each: a flood must not fill that too.
fn refused(reason: Full, told: &mut bool, limits: &Limits) {
    match reason {
        Full::Whole if !*told => {
            *told = true;
            let limit = limits.max_connections;
            tracing::warn!(limit, "connections refused: there are too many");
        }
        Full::Address { first: true } => {
            let limit = limits.max_connections_per_address;
            tracing::warn!(limit, "connections refused: there are too many of one address");
        }
        Full::Whole | Full::Address { first: false } => {}
    }
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
