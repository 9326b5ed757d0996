//! Connections to the replicas of one service.
//!
//! They are held here, not in a `tonic` channel, for what that cannot say:
//! whether a call that failed had been sent. One that had not goes to another
//! replica, whatever its method; one that had is never repeated.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    error::Error as _,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::TimeDelta;
use futures_util::future::join_all;
use http::{Request, Response};
use hyper::{
    body::Incoming,
    client::conn::http2::{self, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use roster_kernel::{Env, ServiceName, Timestamp};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::{TlsConnector, rustls::pki_types};
use tonic::body::Body;

use crate::{
    Identity,
    certificates::{Current, HTTP2},
    message::Message,
};

/// How long a replica may take to open a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// How long a connection may be silent until it is asked whether it lives, and
/// how long it may take to say so.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// How long the addresses of a service are believed.
const ADDRESSES_FOR: TimeDelta = TimeDelta::seconds(5);

/// How long a replica is tried after all others, from when somebody began to
/// connect to it in vain.
const DOUBTED_FOR: TimeDelta = TimeDelta::seconds(5);

/// How often one call looks for a connection that takes it.
const MOST_TRIES: usize = 4;

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No replica could be reached: the call has not been made.
    #[error("no replica can be reached")]
    Unreachable(#[source] io::Error),
    /// The connection broke after the call was sent.
    #[error("the connection broke")]
    Lost(#[source] hyper::Error),
}

#[derive(Debug)]
pub struct Pool {
    /// Whom the replicas have to prove to be.
    service: ServiceName,
    /// `host:port`, where a host may have several addresses.
    hosts: Vec<String>,
    identity: Arc<Identity>,
    env: Env,
    known: Mutex<Known>,
    next: AtomicUsize,
}

#[derive(Debug, Default)]
struct Known {
    addresses: Vec<SocketAddr>,
    until: Option<Timestamp>,
    slots: HashMap<SocketAddr, Arc<Slot>>,
}

/// One replica, and the connection to it. Whoever needs one while it is being
/// opened waits for what comes of that, instead of trying as well.
#[derive(Debug)]
struct Slot {
    address: SocketAddr,
    open: tokio::sync::Mutex<Option<Open>>,
    /// How often it could not be opened.
    failures: AtomicUsize,
    /// Until when others are tried first. Said before it is known whether it
    /// can be reached: those who can do without it do not wait to learn that.
    doubted_until: Mutex<Option<Timestamp>>,
}

#[derive(Debug)]
struct Open {
    sender: SendRequest<Message>,
    generation: u64,
}

impl Pool {
    pub fn new(
        service: ServiceName,
        hosts: Vec<String>,
        identity: Arc<Identity>,
        env: Env,
    ) -> Self {
        let (known, next) = (Mutex::default(), AtomicUsize::new(0));
        Self { service, hosts, identity, env, known, next }
    }

    /// Sends a call to one of the replicas.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, Failure> {
        let mut replicas = self.replicas().await.map_err(Failure::Unreachable)?;
        let (head, body) = request.into_parts();
        let message = Message::new(body);
        let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for _ in 0..MOST_TRIES {
            let Some(replica) = replicas.pop_front() else { break };
            let mut sender = match self.sender(&replica).await {
                Ok(sender) => sender,
                Err(error) => {
                    tracing::debug!(%error, service = %self.service, "replica not reached");
                    failure = error;
                    continue;
                }
            };
            let request = Request::from_parts(head.clone(), message.clone());
            match sender.try_send_request(request).await {
                Ok(answer) => return Ok(answer),
                // A connection that is told to take no more calls just when it
                // gets one does not give it back: what counts is the message.
                Err(unsent) if !message.is_asked_for() || is_refused(unsent.error()) => {
                    failure = io::Error::other(unsent.into_error());
                    // Another connection to it may be what was missing.
                    replicas.push_back(replica);
                }
                Err(unsent) => return Err(Failure::Lost(unsent.into_error())),
            }
        }
        // Where the replicas were, they are no longer.
        self.known().until = None;
        Err(Failure::Unreachable(failure))
    }

    /// The replicas in the order in which a call tries them: in turns, and those
    /// last that somebody has just failed to reach.
    async fn replicas(&self) -> io::Result<VecDeque<Arc<Slot>>> {
        let addresses = self.addresses().await?;
        let now = self.env.now();
        let mut known = self.known();
        let mut slot = |address: SocketAddr| {
            let slot = known.slots.entry(address).or_insert_with(|| Arc::new(Slot::of(address)));
            Arc::clone(slot)
        };
        let mut replicas: Vec<_> = addresses.into_iter().map(&mut slot).collect();
        let first = self.next.fetch_add(1, Ordering::Relaxed) % replicas.len();
        replicas.rotate_left(first);
        replicas.sort_by_key(|replica| replica.is_doubted(now));
        Ok(replicas.into())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the replicas are; there is at least one.
    async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        let now = self.env.now();
        {
            let known = self.known();
            if known.until.is_some_and(|until| now < until) {
                return Ok(known.addresses.clone());
            }
        }
        let found = look_up(&self.hosts).await;
        let mut known = self.known();
        match found {
            Ok(addresses) if !addresses.is_empty() => {
                known.slots.retain(|address, _| addresses.contains(address));
                known.addresses = addresses;
                known.until = Some(now + ADDRESSES_FOR);
            }
            // A name server that is away takes nobody's connections with it.
            Ok(_) | Err(_) if !known.addresses.is_empty() => {}
            Ok(_) => return Err(io::ErrorKind::AddrNotAvailable.into()),
            Err(error) => return Err(error),
        }
        Ok(known.addresses.clone())
    }

    async fn sender(&self, replica: &Slot) -> io::Result<SendRequest<Message>> {
        let failures = replica.failures.load(Ordering::Acquire);
        let mut slot = replica.open.lock().await;
        let current = self.identity.current();
        if let Some(open) = slot.as_ref()
            && !open.sender.is_closed()
            && open.generation == current.generation
        {
            return Ok(open.sender.clone());
        }
        // Who tried while this call waited has done so for this one, too.
        if replica.failures.load(Ordering::Acquire) != failures {
            return Err(io::Error::other("another call did not reach it, either"));
        }
        // The old one, if there is one, ends with the last of its calls.
        *slot = None;
        replica.doubt(Some(self.env.now() + DOUBTED_FOR));
        let generation = current.generation;
        match within(CONNECT_WITHIN, self.open(replica.address, current)).await {
            Ok(sender) => {
                replica.doubt(None);
                *slot = Some(Open { sender: sender.clone(), generation });
                Ok(sender)
            }
            Err(error) => {
                replica.failures.fetch_add(1, Ordering::AcqRel);
                Err(error)
            }
        }
    }

    async fn open(
        &self,
        address: SocketAddr,
        current: Current,
    ) -> io::Result<SendRequest<Message>> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        let name = pki_types::ServerName::try_from(self.service.to_string());
        let name = name.map_err(io::Error::other)?;
        let stream = TlsConnector::from(current.client).connect(name, socket).await?;
        if stream.get_ref().1.alpn_protocol() != Some(HTTP2) {
            return Err(io::Error::other("the service does not say that it speaks HTTP/2"));
        }
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE)
            .keep_alive_while_idle(true)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        drive(connection);
        Ok(sender)
    }
}

impl Slot {
    fn of(address: SocketAddr) -> Self {
        let (open, failures, doubted_until) = Default::default();
        Self { address, open, failures, doubted_until }
    }

    fn doubt(&self, until: Option<Timestamp>) {
        *self.doubted_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn is_doubted(&self, now: Timestamp) -> bool {
        let until = *self.doubted_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| now < until)
    }
}

/// Whether the other end says that it has not begun the call, and will not: it is
/// beyond the last one that was taken before a drain, or one too many.
fn is_refused(error: &hyper::Error) -> bool {
    let http2 = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
    http2.is_some_and(|it| {
        let left = it.is_go_away() && it.reason() == Some(h2::Reason::NO_ERROR);
        let refused = it.is_reset() && it.reason() == Some(h2::Reason::REFUSED_STREAM);
        it.is_remote() && (left || refused)
    })
}

/// Every address of every host. One that has none takes nothing from the
/// others.
async fn look_up(hosts: &[String]) -> io::Result<Vec<SocketAddr>> {
    let looked_up = join_all(hosts.iter().map(lookup_host)).await;
    let mut found: Vec<SocketAddr> = Vec::new();
    let mut failure = None;
    for addresses in looked_up {
        match addresses {
            Ok(addresses) => found.extend(addresses),
            Err(error) => failure = Some(error),
        }
    }
    // Two names for one replica do not make it two.
    let mut seen = HashSet::new();
    found.retain(|address| seen.insert(*address));
    match failure {
        Some(error) if found.is_empty() => Err(error),
        Some(_) | None => Ok(found),
    }
}

/// Reads and writes until nobody holds the connection any more.
#[expect(clippy::disallowed_methods, reason = "a connection ends with those who hold it")]
fn drive(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection to a service ended");
        }
    });
}

async fn within<T>(time: Duration, opening: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(time, opening).await.map_err(io::Error::from)?
}
