//! What one client can make the server hold, and for how long.

use std::time::Duration;

use roster_server::{Limits, Networks};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
};
use tonic::Code;

use crate::{
    serve::{Served, closed},
    wire::{
        CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS,
        Wire, call, frame, header, prefix,
    },
    world::{ANSWER, WAIT, eventually, order, reason},
};

const AUTHENTICATE: &str = "/roster.session.v1.AuthenticationService/Authenticate";
const EXPORT: &str = "/roster.subject.v1.SubjectDataService/ExportSubjectData";

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

#[tokio::test]
async fn an_address_has_its_own_bound_of_connections() {
    let limits = Limits { max_connections_per_address: 1, ..patient() };
    let served = Served::new(limits.clone()).await;
    let mut first = served.client().await;
    first.authenticate(order(ANSWER)).await.unwrap();
    closed(&mut served.socket().await).await;
    first.authenticate(order(ANSWER)).await.unwrap();

    // But a proxy's connections are those of its clients.
    let trusted_proxies = Networks::parse(&["127.0.0.0/8"]).unwrap();
    let served = Served::new(Limits { trusted_proxies, ..limits }).await;
    for mut client in [served.client().await, served.client().await] {
        client.authenticate(order(ANSWER)).await.unwrap();
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the call runs beside the test")]
async fn calls_beyond_the_bound_are_refused_whatever_their_connection() {
    for limits in
        [Limits { max_calls: 1, ..patient() }, Limits { max_calls_per_address: 1, ..patient() }]
    {
        let served = Served::new(limits).await;
        let mut client = served.client().await;
        let call = tokio::spawn(async move { client.authenticate(order(WAIT)).await });
        served.world.puppet.arrived.notified().await;
        let mut other = served.client().await;
        let status = other.authenticate(order(ANSWER)).await.unwrap_err();
        assert_eq!((status.code(), &*reason(&status)), (Code::ResourceExhausted, "OVERLOADED"));
        served.world.puppet.release.notify_one();
        call.await.unwrap().unwrap();
        eventually(async || other.authenticate(order(ANSWER)).await.is_ok()).await;
    }
}

#[tokio::test]
async fn streams_beyond_the_bound_are_refused() {
    const REFUSED_STREAM: &[u8] = &[0, 0, 0, 7];
    let served = Served::new(Limits { max_streams_per_connection: 1, ..patient() }).await;
    let mut wire = Wire::open(served.address, &[]).await;
    for stream in [1, 3] {
        wire.send(HEADERS, END_HEADERS, stream, &call(AUTHENTICATE)).await;
    }
    let refused = soon(wire.answer(3)).await;
    assert_eq!((refused.kind, &*refused.payload), (RST_STREAM, REFUSED_STREAM));
}

/// Sends `bytes` of a message that is never finished.
async fn unfinished(wire: &mut Wire, stream: u32, bytes: usize) {
    wire.send(HEADERS, END_HEADERS, stream, &call(AUTHENTICATE)).await;
    wire.send(DATA, 0, stream, &prefix(1_000_000)).await;
    for _ in 0..bytes / 10_000 {
        wire.send(DATA, 0, stream, &[0; 10_000]).await;
    }
}

#[tokio::test]
async fn unfinished_requests_have_a_bound_in_bytes() {
    for limits in [
        Limits { max_memory_bytes_per_connection: 100_000, ..patient() },
        Limits { max_memory_bytes: 100_000, ..patient() },
    ] {
        let of_all = limits.max_memory_bytes == 100_000;
        let served = Served::new(limits).await;
        let mut wire = Wire::open(served.address, &[]).await;
        for stream in [1, 3, 5] {
            unfinished(&mut wire, stream, 40_000).await;
        }
        // The third does not fit, and is told.
        let refused = soon(wire.answer(5)).await;
        assert_eq!((refused.kind, refused.flags), (HEADERS, END_HEADERS | END_STREAM));
        // Another connection suffers from it only where all are meant.
        let another = served.client().await.authenticate(order(&"x".repeat(40_000))).await;
        assert_eq!(another.is_err(), of_all);
        // What ends gives back what it took.
        wire.send(RST_STREAM, 0, 1, &[0, 0, 0, 8]).await;
        wire.send(RST_STREAM, 0, 3, &[0, 0, 0, 8]).await;
        let mut again = served.client().await;
        eventually(async || again.authenticate(order(&"x".repeat(90_000))).await.is_ok()).await;
    }
}

#[tokio::test]
async fn answers_that_nobody_reads_have_a_bound_in_bytes_and_one_in_time() {
    const WINDOW: (u16, u32) = (4, 0);
    let limits = Limits { max_memory_bytes_per_connection: 30, ..patient() };
    let served = Served::new(limits).await;
    // Nothing may be sent to this client, as it says itself. Each stream has
    // a message of five bytes for it, and began with as many: there is room
    // for all that is asked, and not for all that is answered.
    let mut wire = Wire::open(served.address, &[WINDOW]).await;
    for stream in [1, 3, 5, 7] {
        wire.send(HEADERS, END_HEADERS, stream, &call(EXPORT)).await;
        wire.send(DATA, END_STREAM, stream, &prefix(0)).await;
    }
    let refused = async {
        loop {
            let frame = wire.next().await.expect("still open");
            if frame.kind == HEADERS && frame.flags & END_STREAM != 0 {
                return;
            }
        }
    };
    soon(refused).await;

    let served = Served::new(Limits { stall_seconds: 1, ..patient() }).await;
    let mut wire = Wire::open(served.address, &[WINDOW]).await;
    wire.send(HEADERS, END_HEADERS, 1, &call(EXPORT)).await;
    wire.send(DATA, END_STREAM, 1, &prefix(0)).await;
    soon(async { while wire.next().await.is_some() {} }).await;
}

#[tokio::test]
async fn a_stream_that_has_nothing_to_say_is_no_unread_answer() {
    let served = Served::new(Limits { stall_seconds: 1, ..patient() }).await;
    let mut wire = Wire::open(served.address, &[]).await;
    wire.send(HEADERS, END_HEADERS, 1, &call(EXPORT)).await;
    wire.send(DATA, END_STREAM, 1, &prefix(0)).await;
    soon(wire.answer(1)).await;
    soon(wire.answer(1)).await;
    // Three times as long as an answer may be left unread.
    tokio::time::timeout(Duration::from_secs(3), wire.next()).await.unwrap_err();
}

#[tokio::test]
async fn headers_have_a_bound_in_bytes_and_thereby_in_number() {
    // The status 431, as HPACK writes it.
    const TOO_LARGE: &[u8] = b"\x48\x83\x69\x90\xff";
    let served = Served::new(Limits { max_header_bytes: 2_000, ..patient() }).await;
    let long = header("x", &"v".repeat(120)).repeat(20);
    let many = header("x", "").repeat(70);
    for extra in [long, many] {
        let mut wire = Wire::open(served.address, &[]).await;
        let headers = [call(AUTHENTICATE), extra].concat();
        wire.send(HEADERS, END_HEADERS | END_STREAM, 1, &headers).await;
        let refused = soon(wire.answer(1)).await;
        assert_eq!((refused.kind, &*refused.payload), (HEADERS, TOO_LARGE));
    }
}

#[tokio::test]
async fn headers_without_an_end_end_the_connection() {
    let served = Served::new(patient()).await;
    let mut wire = Wire::open(served.address, &[]).await;
    wire.send(HEADERS, 0, 1, &call(AUTHENTICATE)).await;
    let flood = async {
        let bytes = frame(CONTINUATION, 0, 1, &header("x", "y"));
        while wire.socket.write_all(&bytes).await.is_ok() {}
    };
    soon(flood).await;
}

#[tokio::test]
async fn headers_that_break_off_keep_a_connection_only_as_long_as_a_silent_one() {
    let served = Served::new(Limits { keep_alive_seconds: 1, ..patient() }).await;
    let mut wire = Wire::open(served.address, &[]).await;
    wire.send(HEADERS, 0, 1, &call(AUTHENTICATE)).await;
    closed(&mut wire.socket).await;
}

#[tokio::test]
async fn a_flood_of_pings_that_is_not_read_ends_the_connection() {
    let served = Served::new(Limits { stall_seconds: 1, ..patient() }).await;
    let mut wire = Wire::open(served.address, &[]).await;
    let pings = frame(PING, 0, 0, &[0; 8]).repeat(1_000);
    // Not endless: what the server does not read, the sockets do not take.
    soon(async { while wire.socket.write_all(&pings).await.is_ok() {} }).await;
}

#[tokio::test]
async fn calls_given_up_unseen_end_the_connection() {
    let served = Served::new(patient()).await;
    let mut wire = Wire::open(served.address, &[]).await;
    let (mut flood, headers) = (Vec::new(), call(AUTHENTICATE));
    for stream in (1..2_000).step_by(2) {
        flood.extend(frame(HEADERS, END_HEADERS, stream, &headers));
        flood.extend(frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]));
    }
    let _closed_early = wire.socket.write_all(&flood).await;
    soon(async { while wire.next().await.is_some_and(|frame| frame.kind != GOAWAY) {} }).await;
    let mut rest = Vec::new();
    let _reset = soon(wire.socket.read_to_end(&mut rest)).await;
}

#[tokio::test]
async fn calls_given_up_as_a_habit_end_the_connection() {
    let served = Served::new(patient()).await;
    let mut wire = Wire::open(served.address, &[]).await;
    let message = [&prefix(6)[..], b"\x0a\x04wait"].concat();
    for stream in (1..).step_by(2).take(201) {
        wire.send(HEADERS, END_HEADERS, stream, &call(AUTHENTICATE)).await;
        wire.send(DATA, END_STREAM, stream, &message).await;
        // Each is really begun before it is given up.
        soon(served.world.puppet.arrived.notified()).await;
        wire.send(RST_STREAM, 0, stream, &[0, 0, 0, 8]).await;
    }
    soon(async { while wire.next().await.is_some() {} }).await;
}

#[tokio::test]
async fn silent_connections_by_the_hundred_are_gone_when_their_time_is_over() {
    // They confirm nothing: neither settings nor pings, by which a silent
    // client is told from one that has nothing to say.
    let limits = Limits { handshake_seconds: 1, keep_alive_seconds: 1, ..patient() };
    let served = Served::new(limits).await;
    let mut silent = JoinSet::new();
    for number in 0..200 {
        let mut socket = served.socket().await;
        let said = silence(number % 5);
        silent.spawn(async move {
            socket.write_all(&said).await.unwrap();
            closed(&mut socket).await;
        });
    }
    silent.join_all().await;
}

/// What a client says before it falls silent.
fn silence(kind: usize) -> Vec<u8> {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let settings = frame(SETTINGS, 0, 0, &[]);
    match kind {
        0 => Vec::new(),
        1 => preface[..12].to_vec(),
        2 => preface,
        3 => [preface, settings].concat(),
        _ => [preface, settings, frame(HEADERS, END_HEADERS, 1, &call(AUTHENTICATE))].concat(),
    }
}
