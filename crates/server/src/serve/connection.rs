//! One connection, from its first byte to its last.

use std::{
    convert::Infallible, fmt::Display, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration,
};

use axum::body::Body;
use http::{Request, Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use roster_kernel::ServiceName;
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt};

use super::{
    Encrypted, Limits, Listener, PeerAddr, PeerService,
    body::{AnswerBody, RequestBody, overloaded},
    calls::{Call, Calls},
    places::Place,
    socket::{Flow, Socket},
};

/// What a client may send ahead of what is read, on one call and on all of
/// them together.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;

/// What is taken at once from an answer in several parts, for each call.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// The library's least for what it reads ahead on a connection of HTTP/1.1.
const LEAST_BUFFER_BYTES: usize = 8 * 1024;

/// How many calls may be given up before they were even looked at, and how
/// many may break the protocol, until the connection is ended: the floods of
/// CVE-2023-44487 and of RUSTSEC-2024-0003.
const UNSEEN_RESETS: usize = 20;
const FAULTY_RESETS: usize = 100;

/// How long a client that has no calls open may take to close the connection
/// when told to.
const PARTING: Duration = Duration::from_secs(2);

/// How often a connection is looked at for calls that are given up.
const LOOK: Duration = Duration::from_secs(1);

/// Who is at the other end.
struct Peer {
    address: Option<SocketAddr>,
    service: Option<ServiceName>,
    encrypted: bool,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, or with nothing left to do.
    Closed,
    /// With calls that had not come to their end in time.
    Cut,
}

/// Serves one connection: until the client leaves, until it is idle or leaves
/// its answers unread, or until `stop`. Calls that have been accepted get the
/// drain's time to end.
pub async fn connection<L, S>(
    opening: L::Opening,
    peer: Option<SocketAddr>,
    place: Place,
    service: S,
    stop: CancellationToken,
) -> Ended
where
    L: Listener,
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    let seconds = Duration::from_secs;
    let limits = place.limits().clone();
    // A client that connects and says nothing costs a place: not for long. Nor does
    // it hold up a drain for long; but what it sent before it could know of that
    // may be a call already, and is answered.
    let mut patience = pin!(rest(seconds(limits.handshake_seconds)));
    let mut parting = pin!(async {
        stop.cancelled().await;
        rest(PARTING).await;
    });
    let stream = tokio::select! {
        stream = opening => match stream {
            Ok(stream) => stream,
            Err(error) => return unopened(&error),
        },
        () = patience.as_mut() => return Ended::Closed,
        () = parting.as_mut() => return Ended::Closed,
    };
    let peer = Peer { address: peer, service: L::peer_service(&stream), encrypted: L::ENCRYPTED };
    let calls = Arc::new(Calls::default());
    let flow = Arc::new(Flow::default());
    let socket = TokioIo::new(Socket::new(stream, Arc::clone(&flow)));
    let counted = Arc::clone(&calls);
    let service =
        service_fn(move |request| answer(service.clone(), request, &peer, &counted, &place));
    let builder = builder(&limits);
    let mut http = pin!(builder.serve_connection(socket, service));
    tokio::select! {
        ended = http.as_mut() => return closed(ended),
        () = flow.opened.cancelled() => {}
        () = patience => return Ended::Closed,
        () = parting => return Ended::Closed,
    }
    tokio::select! {
        ended = http.as_mut() => return closed(ended),
        () = calls.idle(seconds(limits.idle_seconds)) => {}
        () = calls.stalled(seconds(limits.stall_seconds)) => hostile("unread"),
        () = flow.stuck(seconds(limits.stall_seconds)) => return Ended::Closed,
        () = futile(&calls) => hostile("abandoned"),
        () = stop.cancelled() => {}
    }
    // The client is told to open no more calls here, then what it has opened
    // comes to its end.
    http.as_mut().graceful_shutdown();
    tokio::select! {
        ended = http.as_mut() => closed(ended),
        // A client that does not listen is not waited for.
        () = calls.over(PARTING) => Ended::Closed,
        () = rest(seconds(limits.drain_seconds)) => Ended::Cut,
    }
}

/// One call.
fn answer<S>(
    service: S,
    request: Request<Incoming>,
    peer: &Peer,
    calls: &Arc<Calls>,
    place: &Place,
) -> impl Future<Output = Result<Response<AnswerBody>, Infallible>> + use<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let taken = place.calls.take(1);
    let fits = taken.is_some();
    let call = Call::begin(calls, taken);
    let (calls, memory) = (Arc::clone(calls), Arc::clone(&place.memory));
    let share = Arc::new(memory.nothing());
    let counted = Arc::clone(&share);
    let mut request = request.map(|body| Body::new(RequestBody::new(body, counted)));
    if let Some(address) = peer.address {
        request.extensions_mut().insert(PeerAddr(address));
    }
    if let Some(service) = &peer.service {
        request.extensions_mut().insert(PeerService(service.clone()));
    }
    if peer.encrypted {
        request.extensions_mut().insert(Encrypted);
    }
    async move {
        let answer = if fits { service.oneshot(request).await? } else { overloaded().into_http() };
        Ok(AnswerBody::of(answer, call, calls, memory, share))
    }
}

/// HTTP/2, for gRPC and for browsers, and HTTP/1.1 for everybody else; the first
/// bytes say which.
fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let keep_alive = Duration::from_secs(limits.keep_alive_seconds);
    let header_bytes = usize::try_from(limits.max_header_bytes).unwrap_or(usize::MAX);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // From one request to the end of the next one's headers.
        .header_read_timeout(Duration::from_secs(limits.handshake_seconds))
        .max_buf_size(header_bytes.max(LEAST_BUFFER_BYTES));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_streams_per_connection)
        .max_header_list_size(limits.max_header_bytes)
        .max_pending_accept_reset_streams(UNSEEN_RESETS)
        .max_local_error_reset_streams(FAULTY_RESETS)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .keep_alive_interval(keep_alive)
        .keep_alive_timeout(keep_alive);
    builder
}

/// Completes when the client gives up most of its calls.
async fn futile(calls: &Calls) {
    while !calls.futile() {
        rest(LOOK).await;
    }
}

fn hostile(answers: &'static str) {
    tracing::info!(answers, "connection ended: its client does not take its answers");
}

fn unopened(error: &io::Error) -> Ended {
    tracing::debug!(%error, "connection not opened");
    Ended::Closed
}

fn closed<E: Display>(ended: Result<(), E>) -> Ended {
    if let Err(error) = ended {
        // Clients that vanish or talk nonsense are everyday life.
        tracing::debug!(%error, "connection ended");
    }
    Ended::Closed
}

#[expect(clippy::disallowed_methods, reason = "sockets live in the machine's time, always")]
pub fn rest(duration: Duration) -> tokio::time::Sleep {
    tokio::time::sleep(duration)
}
