//! A connection's bytes, watched.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;

use super::connection::rest;

/// The first bytes of every client: the connection preface of HTTP/2
/// (RFC 9113, 3.4). What they say is checked by the protocol's library.
const PREFACE_BYTES: usize = 24;

/// What goes on on a connection.
#[derive(Debug, Default)]
pub struct Flow {
    /// Cancelled when the client has sent its preface.
    pub opened: CancellationToken,
    written: AtomicU64,
    blocked: AtomicBool,
}

impl Flow {
    /// Completes when the client has taken nothing of what there is to send
    /// for `period`, or for twice that at the most. Such a connection cannot
    /// even be told that it is over.
    pub async fn stuck(&self, period: Duration) {
        loop {
            let before = self.written.load(Ordering::Relaxed);
            rest(period).await;
            let nothing = before == self.written.load(Ordering::Relaxed);
            if nothing && self.blocked.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    /// Notes how a write went.
    fn wrote(&self, outcome: &Poll<io::Result<usize>>) {
        self.blocked.store(outcome.is_pending(), Ordering::Relaxed);
        if let Poll::Ready(Ok(_)) = outcome {
            self.written.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A socket whose flow is watched.
#[derive(Debug)]
pub struct Socket<T> {
    stream: T,
    read: usize,
    flow: Arc<Flow>,
}

impl<T> Socket<T> {
    /// Tells `flow` what happens.
    pub const fn new(stream: T, flow: Arc<Flow>) -> Self {
        Self { stream, read: 0, flow }
    }
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
                self.flow.opened.cancel();
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
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.flow.wrote(&outcome);
        outcome
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
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.flow.wrote(&outcome);
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
