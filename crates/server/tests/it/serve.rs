//! Connections: real sockets, and real seconds where a socket needs them.

use std::{net::SocketAddr, time::Duration};

use axum::Extension;
use http_body_util::Empty;
use hyper::{body::Bytes, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use roster_proto::session::v1::authentication_service_client::AuthenticationServiceClient;
use roster_server::metrics::{ConnectionMeter, Meters};
use roster_server::{Limits, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

use crate::world::{ANSWER, PANIC, WAIT, World, eventually, order, service};

pub struct Served {
    pub world: World,
    pub address: SocketAddr,
    stop: CancellationToken,
    server: JoinHandle<usize>,
}

impl Served {
    #[expect(clippy::disallowed_methods, reason = "the server runs beside the test")]
    pub async fn new(limits: Limits) -> Self {
        let world = World::new();
        // An edge that takes everybody for a service.
        let edge = world.routes.clone().into_axum_router().layer(Extension(service()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(
            listener,
            edge,
            limits,
            ConnectionMeter::new(&Meters::none()),
            stop.clone(),
        ));
        Self { world, address, stop, server }
    }

    pub async fn client(&self) -> AuthenticationServiceClient<Channel> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).unwrap();
        AuthenticationServiceClient::new(endpoint.connect().await.unwrap())
    }

    /// Begins the drain.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// A connection on which the protocol is spoken only as far as the test
    /// does.
    pub async fn socket(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

/// Waits until the server closes a connection.
pub async fn closed(socket: &mut TcpStream) {
    let reading = async {
        let mut bytes = [0; 1_024];
        // Closed is closed: with what was sent still unread it is a reset.
        while !matches!(socket.read(&mut bytes).await, Ok(0) | Err(_)) {}
    };
    tokio::time::timeout(Duration::from_secs(20), reading).await.expect("still open");
}

#[tokio::test]
async fn a_call_over_a_socket_is_answered_and_knows_its_peer() {
    let served = Served::new(Limits::default()).await;
    served.client().await.authenticate(order(ANSWER)).await.unwrap();
    let peer = served.world.puppet.seen().peer.unwrap();
    assert!(peer.0.ip().is_loopback());
    assert_ne!(peer.0.port(), served.address.port());
}

#[tokio::test]
async fn a_panic_ends_neither_the_server_nor_the_connection() {
    let served = Served::new(Limits::default()).await;
    let mut client = served.client().await;
    client.authenticate(order(PANIC)).await.unwrap_err();
    let before = served.world.puppet.seen().peer;
    client.authenticate(order(ANSWER)).await.unwrap();
    assert_eq!(served.world.puppet.seen().peer, before);
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the call runs beside the drain")]
async fn a_drain_lets_accepted_calls_end_and_accepts_no_more() {
    let served = Served::new(Limits::default()).await;
    let mut client = served.client().await;
    let call = tokio::spawn(async move { client.authenticate(order(WAIT)).await });
    served.world.puppet.arrived.notified().await;
    served.stop.cancel();
    eventually(async || TcpStream::connect(served.address).await.is_err()).await;
    assert!(!call.is_finished() && !served.server.is_finished());
    served.world.puppet.release.notify_one();
    call.await.unwrap().unwrap();
    assert_eq!(served.server.await.unwrap(), 0);
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the connection is driven beside the test")]
async fn a_drain_answers_a_call_of_who_had_connected_before() {
    let served = Served::new(Limits::default()).await;
    // Nothing has come over it when the drain begins.
    let socket = served.socket().await;
    served.stop.cancel();
    eventually(async || TcpStream::connect(served.address).await.is_err()).await;
    let connecting = http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
    let (mut sender, connection) = connecting.await.unwrap();
    let connection = tokio::spawn(connection);
    let uri = format!("http://{}/", served.address);
    let request = http::Request::post(uri).body(Empty::<Bytes>::new()).unwrap();
    sender.send_request(request).await.unwrap();
    drop(sender);
    // It was told that no more calls are taken.
    connection.await.unwrap().unwrap();
    assert_eq!(served.server.await.unwrap(), 0);
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the call runs beside the drain")]
async fn a_drain_does_not_wait_for_ever() {
    let served = Served::new(Limits { drain_seconds: 0, ..Limits::default() }).await;
    let mut client = served.client().await;
    let call = tokio::spawn(async move { client.authenticate(order(WAIT)).await });
    served.world.puppet.arrived.notified().await;
    served.stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(20), served.server).await;
    assert_eq!(ended.expect("still draining").unwrap(), 1);
    assert!(call.await.unwrap().is_err());
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_a_drain() {
    let served = Served::new(Limits::default()).await;
    let mut client = served.client().await;
    client.authenticate(order(ANSWER)).await.unwrap();
    let _silent = served.socket().await;
    served.stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(20), served.server).await;
    assert_eq!(ended.expect("still draining").unwrap(), 0);
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_at_once() {
    // The time for a handshake is not what closes them.
    let limits = Limits { max_connections: 1, handshake_seconds: 3_600, ..Limits::default() };
    let served = Served::new(limits).await;
    let mut first = served.client().await;
    first.authenticate(order(ANSWER)).await.unwrap();
    closed(&mut served.socket().await).await;
    first.authenticate(order(ANSWER)).await.unwrap();
    // A place that becomes free is given again.
    drop(first);
    eventually(async || {
        let endpoint = Endpoint::from_shared(format!("http://{}", served.address)).unwrap();
        let Ok(channel) = endpoint.connect().await else { return false };
        AuthenticationServiceClient::new(channel).authenticate(order(ANSWER)).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn a_client_that_says_nothing_is_sent_away() {
    let served = Served::new(Limits { handshake_seconds: 1, ..Limits::default() }).await;
    closed(&mut served.socket().await).await;
    // Nor does it help to say only a little.
    let mut slow = served.socket().await;
    slow.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    closed(&mut slow).await;
}

#[tokio::test]
async fn a_client_that_speaks_another_protocol_is_sent_away() {
    let served = Served::new(Limits::default()).await;
    let mut socket = served.socket().await;
    socket.write_all(b"GET / HTTP/1.1\r\nhost: roster\r\n\r\n").await.unwrap();
    closed(&mut socket).await;
}

#[tokio::test]
async fn a_client_that_has_gone_silent_is_sent_away() {
    let served = Served::new(Limits { keep_alive_seconds: 1, ..Limits::default() }).await;
    let mut socket = served.socket().await;
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    // An empty SETTINGS frame, and then nothing, not even answers to pings.
    socket.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
    closed(&mut socket).await;
}

#[tokio::test]
async fn a_connection_without_calls_is_ended_although_its_client_is_there() {
    let served = Served::new(Limits { idle_seconds: 1, ..Limits::default() }).await;
    let socket = TokioIo::new(served.socket().await);
    // Kept: without it the client itself would leave.
    let (_calls, connection) =
        http2::handshake::<_, _, Empty<Bytes>>(TokioExecutor::new(), socket).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), connection).await;
    ended.expect("still open").unwrap();
}

#[tokio::test]
async fn a_call_in_progress_keeps_its_connection() {
    // Taken for idle, the connection would be cut at once.
    let limits = Limits { idle_seconds: 1, drain_seconds: 0, ..Limits::default() };
    let served = Served::new(limits).await;
    let mut client = served.client().await;
    let mut call = Box::pin(client.authenticate(order(WAIT)));
    // Three times as long as a connection may be idle.
    let waited = tokio::time::timeout(Duration::from_secs(3), &mut call).await;
    assert!(waited.is_err());
    served.world.puppet.release.notify_one();
    call.await.unwrap();
}
