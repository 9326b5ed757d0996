//! One connection, from its first byte to its last.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use http::{Request, Response};
use hyper::{
    body::{Frame, Incoming, SizeHint},
    server::conn::http2,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt};

use super::{Limits, PeerAddr};

/// The first bytes of every client: the connection preface of HTTP/2
/// (RFC 9113, 3.4). What they say is checked by the protocol's library.
const PREFACE_BYTES: usize = 24;

/// What a client may send ahead, on one call and on all of them together.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;

/// What is kept for a client that does not read, for each call.
const SEND_BUFFER_BYTES: usize = 256 * 1024;

/// How long a client that has no calls open may take to close the connection
/// when told to.
const PARTING: Duration = Duration::from_secs(2);

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, or with nothing left to do.
    Closed,
    /// With calls that had not come to their end in time.
    Cut,
}

/// Serves one connection: until the client leaves, until it is idle, or until
/// `stop`. Calls that have been accepted get the drain's time to end.
pub async fn connection<O, T, S>(
    opening: O,
    peer: Option<SocketAddr>,
    service: S,
    limits: Limits,
    stop: CancellationToken,
) -> Ended
where
    O: Future<Output = io::Result<T>>,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    let seconds = Duration::from_secs;
    let calls = Arc::new(Calls::default());
    let opened = CancellationToken::new();
    let counted = Arc::clone(&calls);
    let service = service_fn(move |request: Request<Incoming>| {
        let call = Call::begin(&counted);
        let mut request = request.map(Body::new);
        if let Some(peer) = peer {
            request.extensions_mut().insert(PeerAddr(peer));
        }
        let answer = service.clone().oneshot(request);
        async move { answer.await.map(|it| it.map(|body| CallBody { body, _call: call })) }
    });
    // A client that connects and says nothing costs a place: not for long.
    let mut patience = pin!(rest(seconds(limits.handshake_seconds)));
    let stream = tokio::select! {
        stream = opening => match stream {
            Ok(stream) => stream,
            Err(error) => return unopened(&error),
        },
        () = patience.as_mut() => return Ended::Closed,
        () = stop.cancelled() => return Ended::Closed,
    };
    let socket = Socket { stream, read: 0, opened: opened.clone() };
    let mut http = pin!(builder(limits).serve_connection(TokioIo::new(socket), service));
    tokio::select! {
        ended = http.as_mut() => return closed(ended),
        () = opened.cancelled() => {}
        () = patience => return Ended::Closed,
        () = stop.cancelled() => return Ended::Closed,
    }
    tokio::select! {
        ended = http.as_mut() => return closed(ended),
        () = calls.idle(seconds(limits.idle_seconds)) => {}
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

fn builder(limits: Limits) -> http2::Builder<TokioExecutor> {
    let keep_alive = Duration::from_secs(limits.keep_alive_seconds);
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_streams_per_connection)
        .max_header_list_size(limits.max_header_bytes)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .keep_alive_interval(keep_alive)
        .keep_alive_timeout(keep_alive);
    builder
}

fn unopened(error: &io::Error) -> Ended {
    tracing::debug!(%error, "connection not opened");
    Ended::Closed
}

fn closed(ended: hyper::Result<()>) -> Ended {
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

/// The calls of one connection, counted.
#[derive(Debug, Default)]
struct Calls {
    begun: AtomicU64,
    open: AtomicUsize,
}

impl Calls {
    /// Completes when there has been no call for `period`, and the answer of
    /// the last one has had as long to be sent.
    async fn over(&self, period: Duration) {
        loop {
            self.idle(period).await;
            let begun = self.begun.load(Ordering::Relaxed);
            rest(period).await;
            if self.begun.load(Ordering::Relaxed) == begun {
                return;
            }
        }
    }

    /// Completes when there has been no call for `period`. Looks once in each
    /// period, so that calls do not have to move a timer.
    async fn idle(&self, period: Duration) {
        loop {
            let begun = self.begun.load(Ordering::Relaxed);
            rest(period).await;
            let none_since = self.begun.load(Ordering::Relaxed) == begun;
            if none_since && self.open.load(Ordering::Relaxed) == 0 {
                return;
            }
        }
    }
}

/// A call that has not come to its end.
#[derive(Debug)]
struct Call(Arc<Calls>);

impl Call {
    fn begin(calls: &Arc<Calls>) -> Self {
        calls.begun.fetch_add(1, Ordering::Relaxed);
        calls.open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(calls))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer: as long as it is being sent, its call is open.
struct CallBody {
    body: Body,
    _call: Call,
}

impl HttpBody for CallBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A socket that notices when the client has opened the conversation.
struct Socket<T> {
    stream: T,
    read: usize,
    opened: CancellationToken,
}

impl<T: AsyncRead + Unpin> AsyncRead for Socket<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if self.read < PREFACE_BYTES {
            self.read += buffer.filled().len() - before;
            if self.read >= PREFACE_BYTES {
                self.opened.cancel();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Socket<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
