//! The way in of a client that knows every edge, as gRPC's own clients go: over
//! a connection that has answered, and to another edge with a call that could
//! not be sent.

use std::{
    convert::Infallible,
    error::Error as _,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use http::{Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, sync::Mutex};
use tonic::{Status, body::Body};
use tower::{BoxError, service_fn, util::BoxCloneSyncService};

use super::PATIENCE;
use crate::kill;

/// What generated clients call through.
pub type Transport = BoxCloneSyncService<Request<Body>, Response<Body>, Status>;

type Sender = SendRequest<BoxBody<Bytes, Infallible>>;

/// Asks for the health of everything: an empty message.
const HEALTH: &str = "/grpc.health.v1.Health/Check";
const EMPTY: &[u8] = &[0; 5];

/// All edges, each with its connection.
pub struct Edges {
    edges: Vec<(SocketAddr, Mutex<Option<Sender>>)>,
    next: AtomicUsize,
}

impl Edges {
    pub fn new(addresses: impl Iterator<Item = SocketAddr>) -> Self {
        let edges = addresses.map(|it| (it, Mutex::default())).collect();
        Self { edges, next: AtomicUsize::new(0) }
    }

    pub fn transport(self) -> Transport {
        let edges = Arc::new(self);
        BoxCloneSyncService::new(service_fn(move |request| {
            let edges = Arc::clone(&edges);
            async move { edges.send(request).await.map_err(Status::from_error) }
        }))
    }

    /// Sends a call to the edges in turn, until one of them has it.
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let (head, body) = request.into_parts();
        let message = body.collect().await?.to_bytes();
        let begun = Instant::now();
        loop {
            let next = self.next.fetch_add(1, Ordering::Relaxed);
            let (address, connection) = &self.edges[next % self.edges.len()];
            let sender = sender(*address, &mut *connection.lock().await).await;
            if let Some(mut sender) = sender {
                let asked = Arc::new(AtomicBool::default());
                let mut head = head.clone();
                head.uri = uri(*address, head.uri.path());
                let body = noticed(message.clone(), Arc::clone(&asked));
                match sender.try_send_request(Request::from_parts(head, body)).await {
                    Ok(answer) => return Ok(answer.map(Body::new)),
                    // Without its message a call is none.
                    Err(unsent) if asked.load(Ordering::SeqCst) && !is_refused(unsent.error()) => {
                        return Err(unsent.into_error().into());
                    }
                    Err(_unsent) => {}
                }
            } else {
                kill::rest().await;
            }
            assert!(begun.elapsed() < PATIENCE, "no edge takes a call");
        }
    }
}

/// Whether the edge says that it has not begun the call, and will not: it came
/// after the last one that was taken before a drain.
fn is_refused(error: &hyper::Error) -> bool {
    let http2 = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
    http2.is_some_and(|it| it.is_go_away() && it.is_remote())
}

/// A body that says when it is asked for.
fn noticed(message: Bytes, asked: Arc<AtomicBool>) -> BoxBody<Bytes, Infallible> {
    let noted = move |frame| {
        asked.store(true, Ordering::SeqCst);
        frame
    };
    Full::new(message).map_frame(noted).boxed()
}

fn uri(address: SocketAddr, path: &str) -> Uri {
    format!("http://{address}{path}").parse().unwrap()
}

/// The connection that there is, or a new one; none where the edge is away.
async fn sender(address: SocketAddr, connection: &mut Option<Sender>) -> Option<Sender> {
    if let Some(open) = connection.as_ref().filter(|it| !it.is_closed()) {
        return Some(open.clone());
    }
    *connection = open(address).await.ok();
    connection.clone()
}

#[expect(clippy::disallowed_methods, reason = "a connection ends with those who hold it")]
async fn open(address: SocketAddr) -> Result<Sender, BoxError> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let connecting = http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
    let (mut sender, connection) = connecting.await?;
    tokio::spawn(connection);
    // gRPC's clients wait for the other end's settings; here, for an answer.
    let ask = Request::post(uri(address, HEALTH))
        .header(header::CONTENT_TYPE, "application/grpc")
        .header(header::TE, "trailers")
        .body(Full::from(EMPTY).boxed())?;
    let answer = sender.send_request(ask).await?;
    answer.into_body().collect().await?;
    Ok(sender)
}
