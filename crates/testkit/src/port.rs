//! Ports that stay a test's own.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// A port of the loopback that the system gives to nobody else, whether anybody
/// listens there or not: a server that is started again finds its place free.
///
/// It is bound and never listened on. Servers that take addresses in use
/// (`SO_REUSEADDR`), as all do that are started here, may listen there
/// meanwhile; while none does, connections are refused.
#[derive(Debug)]
pub struct Port {
    _held: TcpSocket,
    /// Where it is.
    pub address: SocketAddr,
}

impl Port {
    /// A free one.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn free() -> Self {
        let held = TcpSocket::new_v4().expect("a socket");
        held.set_reuseaddr(true).expect("a socket that shares its address");
        held.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
        let address = held.local_addr().expect("an address");
        Self { _held: held, address }
    }
}
