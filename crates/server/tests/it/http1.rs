//! The same bounds for those who speak HTTP/1.1, as browsers and `curl` may.

use std::time::Duration;

use roster_server::Limits;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    serve::{Served, closed},
    wire::prefix,
    world::{ANSWER, eventually, order},
};

const CALL: &str = "POST /roster.session.v1.AuthenticationService/Authenticate HTTP/1.1\r\n\
                    host: roster\r\ncontent-type: application/grpc\r\n";

/// What waits for the machine has a bound.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it never happened")
}

/// A server that nothing ends but what the test is about.
fn patient() -> Limits {
    Limits {
        handshake_seconds: 3_600,
        keep_alive_seconds: 3_600,
        stall_seconds: 3_600,
        drain_seconds: 0,
        ..Limits::default()
    }
}

/// A call with an empty message, which is one of its method.
fn whole() -> Vec<u8> {
    [format!("{CALL}content-length: 5\r\n\r\n").as_bytes(), &[0; 5]].concat()
}

/// Reads until the beginning of an answer shows; its first line.
async fn status(socket: &mut TcpStream) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n") {
        read.push(soon(socket.read_u8()).await.unwrap());
    }
    String::from_utf8(read).unwrap().trim_end().to_owned()
}

/// Reads until the connection is closed.
async fn rest(socket: &mut TcpStream) -> String {
    let mut read = Vec::new();
    // Whoever closes a connection with bytes unread resets it.
    let _closed = soon(socket.read_to_end(&mut read)).await;
    String::from_utf8_lossy(&read).into_owned()
}

#[tokio::test]
async fn one_request_after_the_other_is_answered() {
    let served = Served::new(patient()).await;
    let mut socket = served.socket().await;
    let last = String::from_utf8(whole()).unwrap().replace("host", "connection: close\r\nhost");
    socket.write_all(&[whole(), whole(), last.into_bytes()].concat()).await.unwrap();
    let answers = rest(&mut socket).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
}

#[tokio::test]
async fn headers_have_a_bound() {
    let served = Served::new(Limits { max_header_bytes: 8 * 1024, ..patient() }).await;
    for extra in [format!("x: {}\r\n", "v".repeat(20_000)), "x: y\r\n".repeat(200)] {
        let mut socket = served.socket().await;
        let _closed_early = socket.write_all(format!("{CALL}{extra}\r\n").as_bytes()).await;
        assert_eq!(status(&mut socket).await, "HTTP/1.1 431 Request Header Fields Too Large");
    }
}

#[tokio::test]
async fn who_takes_long_over_headers_or_says_nothing_more_is_sent_away() {
    let served = Served::new(Limits { handshake_seconds: 1, ..patient() }).await;
    // Beyond what tells one protocol from the other, then nothing.
    let mut slow = served.socket().await;
    slow.write_all(CALL.as_bytes()).await.unwrap();
    closed(&mut slow).await;
    let mut silent = served.socket().await;
    silent.write_all(&whole()).await.unwrap();
    assert!(rest(&mut silent).await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn requests_that_do_not_end_have_a_bound_in_bytes() {
    let limits = Limits { max_memory_bytes_per_connection: 64 * 1024, ..patient() };
    let served = Served::new(limits).await;
    let mut socket = served.socket().await;
    let begun = format!("{CALL}transfer-encoding: chunked\r\n\r\n");
    socket.write_all(begun.as_bytes()).await.unwrap();
    let chunk = [b"4000\r\n".to_vec(), vec![0; 0x4000], b"\r\n".to_vec()].concat();
    // A message that claims to be longer than all of this.
    socket.write_all(b"5\r\n\x00\x00\x10\x00\x00\r\n").await.unwrap();
    for _ in 0..64 {
        if socket.write_all(&chunk).await.is_err() {
            break;
        }
    }
    let answer = rest(&mut socket).await;
    assert!(answer.contains("grpc-status: 8"), "{answer}");
}

#[tokio::test]
async fn a_request_that_could_be_two_is_refused() {
    let served = Served::new(patient()).await;
    for lengths in ["content-length: 5\r\ncontent-length: 6\r\n", "content-length: +5\r\n"] {
        let mut socket = served.socket().await;
        let request = format!("{CALL}{lengths}\r\n\0\0\0\0\0\0");
        socket.write_all(request.as_bytes()).await.unwrap();
        assert_eq!(status(&mut socket).await, "HTTP/1.1 400 Bad Request", "{lengths}");
    }
    // Of both, the chunks hold, and nothing behind them is taken for a request.
    let mut socket = served.socket().await;
    let both = format!(
        "{CALL}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n\
         5\r\n\0\0\0\0\0\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: roster\r\n\r\n"
    );
    socket.write_all(both.as_bytes()).await.unwrap();
    socket.shutdown().await.unwrap();
    let answers = rest(&mut socket).await;
    assert!(answers.matches("HTTP/1.1 ").count() <= 2, "{answers}");
    served.client().await.authenticate(order(ANSWER)).await.unwrap();
}

#[tokio::test]
async fn a_drain_lets_a_request_come_to_its_end() {
    let served = Served::new(Limits { drain_seconds: 20, ..patient() }).await;
    let mut socket = served.socket().await;
    let message = [&prefix(6)[..], b"\x0a\x04wait"].concat();
    let call = format!("{CALL}content-length: {}\r\n\r\n", message.len());
    socket.write_all(&[call.as_bytes(), &message].concat()).await.unwrap();
    soon(served.world.puppet.arrived.notified()).await;
    served.stop();
    eventually(async || TcpStream::connect(served.address).await.is_err()).await;
    served.world.puppet.release.notify_one();
    let answer = rest(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    // It is told, too, that this was the last one.
    assert!(answer.contains("connection: close"), "{answer}");
}
