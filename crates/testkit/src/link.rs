//! A link between two processes, which can be cut.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream, UnixStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use crate::Port;

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// How much is carried at a time.
const PIECE: usize = 16 * 1024;

/// Where a link leads.
#[derive(Clone, Debug)]
pub enum Target {
    /// To an address.
    Tcp(SocketAddr),
    /// To a socket of this machine.
    Unix(PathBuf),
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

/// What becomes of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It arrives.
    Open,
    /// Connections are reset, and new ones refused: the other process is gone,
    /// and its machine says so.
    Refused,
    /// Nothing arrives, and nobody is told: the packets are lost.
    Swallowed,
}

/// A port that leads to another process, until it is told otherwise. What was
/// connected when it began to swallow stays cut off for good, as behind a
/// firewall that has forgotten the connection; what connects after it has healed
/// gets through.
#[derive(Debug)]
pub struct Link {
    port: Port,
    way: watch::Sender<Way>,
    connected: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Link {
    /// One that leads to `target`.
    ///
    /// # Panics
    ///
    /// When it has no port to listen on.
    #[must_use]
    pub fn to(target: impl Into<Target>) -> Self {
        let port = Port::free();
        let (way, asked) = watch::channel(Way::Open);
        let connected = Arc::new(AtomicUsize::new(0));
        let listener = listen(port.address).expect("a port to listen on");
        let carried = carry(port.address, listener, target.into(), asked, Arc::clone(&connected));
        #[expect(clippy::disallowed_methods, reason = "it ends with the link")]
        let serving = tokio::spawn(carried);
        Self { port, way, connected, serving }
    }

    /// Where it begins.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.port.address
    }

    /// Lets from now on become of all that is sent what `way` says.
    pub fn set(&self, way: Way) {
        self.way.send_replace(way);
    }

    /// How often somebody has connected so far, whether it led anywhere or not.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.connected.load(Ordering::SeqCst)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Takes connections while there is a way, or while none is known of.
async fn carry(
    address: SocketAddr,
    mut listener: TcpListener,
    target: Target,
    mut way: watch::Receiver<Way>,
    connected: Arc<AtomicUsize>,
) {
    // They end with this.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                connected.fetch_add(1, Ordering::SeqCst);
                connections.spawn(connection(stream, target.clone(), way.clone()));
            }
            Some(_ended) = connections.join_next() => {}
            Some(_) = becomes(&mut way, |way| way == Way::Refused) => {
                // Who connects meanwhile is refused by the system.
                drop(listener);
                if becomes(&mut way, |way| way != Way::Refused).await.is_none() {
                    return;
                }
                listener = listen(address).expect("the port is its own");
            }
            else => return,
        }
    }
}

/// One connection, from its beginning to its end.
async fn connection(near: TcpStream, target: Target, mut way: watch::Receiver<Way>) {
    let begun = *way.borrow_and_update();
    if begun == Way::Open {
        let joined = async {
            match target {
                Target::Tcp(far) => join(near, TcpStream::connect(far).await?, &mut way).await,
                Target::Unix(far) => join(near, UnixStream::connect(far).await?, &mut way).await,
            }
        };
        // Whoever is at one end sees that the other has gone.
        let _ended: io::Result<()> = joined.await;
    } else {
        swallow(near, tokio::io::empty(), &mut way).await;
    }
}

/// Carries what is sent both ways until one end has gone, or the link is cut.
async fn join(
    mut near: TcpStream,
    mut far: impl AsyncRead + AsyncWrite + Unpin,
    way: &mut watch::Receiver<Way>,
) -> io::Result<()> {
    near.set_nodelay(true)?;
    let cut = tokio::select! {
        biased;
        cut = becomes(way, |way| way != Way::Open) => cut,
        ended = tokio::io::copy_bidirectional(&mut near, &mut far) => return ended.map(drop),
    };
    match cut {
        Some(Way::Swallowed) => swallow(near, far, way).await,
        Some(Way::Refused) => near.set_zero_linger()?,
        Some(Way::Open) | None => {}
    }
    Ok(())
}

/// Takes whatever either end sends, and tells neither of the other, not even
/// that it has gone; unless it comes to be refused.
async fn swallow(
    mut near: TcpStream,
    mut far: impl AsyncRead + AsyncWrite + Unpin,
    way: &mut watch::Receiver<Way>,
) {
    let lost = async {
        tokio::join!(lose(&mut near), lose(&mut far));
    };
    tokio::select! {
        () = lost => {}
        _refused = becomes(way, |way| way == Way::Refused) => {
            let _gone = near.set_zero_linger();
        }
    }
}

/// Waits until it is as `wanted`; nothing once nobody can say so any more.
async fn becomes(way: &mut watch::Receiver<Way>, wanted: impl Fn(Way) -> bool) -> Option<Way> {
    way.wait_for(|way| wanted(*way)).await.ok().map(|way| *way)
}

async fn lose(end: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let mut piece = vec![0; PIECE];
    while end.read(&mut piece).await.is_ok_and(|read| read > 0) {}
    let _gone = end.shutdown().await;
}
