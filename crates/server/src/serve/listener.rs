//! Where connections come from.

use std::{
    future::{Future, Ready, ready},
    io,
    net::SocketAddr,
};

use roster_kernel::ServiceName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
};

/// A place where clients connect.
pub trait Listener: Send {
    /// What is read from and written to, once the client is let in.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// What client and server say to each other before that. It is given as
    /// long as a handshake may take, beside the accepting of others.
    type Opening: Future<Output = io::Result<Self::Stream>> + Send + 'static;

    /// Whether nobody on the way can read along.
    const ENCRYPTED: bool = false;

    /// The next connection, and the client's address if clients have one.
    fn accept(
        &self,
    ) -> impl Future<Output = io::Result<(Self::Opening, Option<SocketAddr>)>> + Send;

    /// The service at the other end, where its certificate proves who it is.
    #[must_use]
    fn peer_service(_stream: &Self::Stream) -> Option<ServiceName> {
        None
    }
}

impl Listener for TcpListener {
    type Stream = TcpStream;
    type Opening = Ready<io::Result<TcpStream>>;

    async fn accept(&self) -> io::Result<(Self::Opening, Option<SocketAddr>)> {
        let (stream, peer) = Self::accept(self).await?;
        Ok((ready(Ok(without_delay(stream))), Some(peer)))
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;
    type Opening = Ready<io::Result<UnixStream>>;

    async fn accept(&self) -> io::Result<(Self::Opening, Option<SocketAddr>)> {
        let (stream, _unnamed) = Self::accept(self).await?;
        Ok((ready(Ok(stream)), None))
    }
}

/// Answers are small; waiting for more to send only delays them. A socket
/// that is gone already shows itself at the first read.
fn without_delay(stream: TcpStream) -> TcpStream {
    let _gone = stream.set_nodelay(true);
    stream
}
