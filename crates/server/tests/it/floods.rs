//! Floods of what costs a client next to nothing: frames that mean nothing,
//! headers that unfold, messages that would.

use std::{fs, time::Duration};

use roster_server::Limits;
use tokio::io::AsyncWriteExt;

use crate::{
    serve::Served,
    wire::{
        DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, PING, PRIORITY, SETTINGS,
        WINDOW_UPDATE, Wire, call, frame, header, prefix,
    },
    world::{ANSWER, order},
};

const AUTHENTICATE: &str = "/roster.session.v1.AuthenticationService/Authenticate";

/// What all of it may cost: other tests run in this process as well.
const COST_KIB: u64 = 256 * 1024;

/// The status 431, as HPACK writes it.
const TOO_LARGE: &[u8] = b"\x48\x83\x69\x90\xff";

/// The values 12 and 3 of `grpc-status` in Huffman's code, with their length and
/// the last byte of the name before them.
const UNIMPLEMENTED: &[u8] = b"\x8f\x82\x08\xbf";
const INVALID_ARGUMENT: &[u8] = b"\x8f\x81\x67";

/// A server that nothing ends but what the test is about.
fn patient() -> Limits {
    Limits {
        handshake_seconds: 3_600,
        keep_alive_seconds: 3_600,
        drain_seconds: 0,
        ..Limits::default()
    }
}

/// The resident memory of the server, which is this process.
fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Sends `bytes` again and again until the server closes the connection, and
/// reads what it answers. Meanwhile others are served, and the server does
/// not grow.
async fn ended_by(limits: Limits, opening: &[u8], bytes: Vec<u8>) {
    let served = Served::new(limits).await;
    let mut other = served.client().await;
    let mut wire = Wire::open(served.address, &[]).await;
    wire.socket.write_all(opening).await.unwrap();
    let before = resident_kib();
    let (mut reader, mut writer) = wire.socket.into_split();
    let read = async { drop(tokio::io::copy(&mut reader, &mut tokio::io::sink()).await) };
    let flood = async { while writer.write_all(&bytes).await.is_ok() {} };
    let others = async {
        loop {
            other.authenticate(order(ANSWER)).await.unwrap();
            let grown = resident_kib().saturating_sub(before);
            assert!(grown < COST_KIB, "grown by {grown} KiB");
        }
    };
    let ended = async {
        tokio::select! {
            ((), ()) = async { tokio::join!(read, flood) } => {}
            never = others => never,
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ended).await.expect("still open");
}

/// A connection that is busy saying nothing is as idle as a silent one.
async fn keeps_nothing_open(frames: Vec<u8>) {
    ended_by(Limits { idle_seconds: 1, ..patient() }, &[], frames.repeat(1_000)).await;
}

#[tokio::test]
async fn settings_keep_no_connection_open() {
    keeps_nothing_open(frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100])).await;
}

#[tokio::test]
async fn pings_keep_no_connection_open() {
    keeps_nothing_open(frame(PING, 0, 0, &[0; 8])).await;
}

#[tokio::test]
async fn priorities_keep_no_connection_open() {
    keeps_nothing_open(frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1])).await;
}

#[tokio::test]
async fn windows_that_grow_by_one_keep_no_connection_open() {
    keeps_nothing_open(frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])).await;
}

#[tokio::test]
async fn settings_whose_confirmation_is_not_read_end_the_connection() {
    let served = Served::new(Limits { stall_seconds: 1, ..patient() }).await;
    let mut wire = Wire::open(served.address, &[]).await;
    let settings = frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]).repeat(1_000);
    let flood = async { while wire.socket.write_all(&settings).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(20), flood).await.expect("still open");
}

#[tokio::test]
async fn parts_of_a_message_that_hold_nothing_cost_nothing_and_end_with_the_call() {
    // The call's own time ends it. What goes on coming belongs to no call, and
    // is a breach of the protocol, of which a connection has only so many.
    let limited = [call(AUTHENTICATE), header("grpc-timeout", "1S")].concat();
    let opening = frame(HEADERS, END_HEADERS, 1, &limited);
    ended_by(patient(), &opening, frame(DATA, 0, 1, &[]).repeat(1_000)).await;
}

/// A header that is remembered (RFC 7541, 6.2.1): 4,000 bytes, which a single
/// byte repeats from then on.
fn remembered() -> Vec<u8> {
    [&b"\x40\x01x\x7f\xa1\x1e"[..], &[b'v'; 4_000]].concat()
}

#[tokio::test]
async fn headers_that_unfold_are_not_unfolded() {
    const REPEATED: u8 = 0xbe;
    let served = Served::new(patient()).await;
    let before = resident_kib();
    let bomb = [call(AUTHENTICATE), remembered(), vec![REPEATED; 10_000]].concat();
    // 10,000 times 4,000 bytes, 20 times: 800 MB in 280 KB.
    for _ in 0..20 {
        let mut wire = Wire::open(served.address, &[]).await;
        wire.send(HEADERS, END_HEADERS, 1, &bomb).await;
        // Refused, or not even that: the connection is ended.
        let told = tokio::time::timeout(Duration::from_secs(20), wire.next()).await.unwrap();
        let refused = |it: &Frame| it.kind == GOAWAY || it.payload == TOO_LARGE;
        assert!(told.as_ref().is_none_or(refused), "{told:?}");
    }
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < COST_KIB, "grown by {grown} KiB");
    served.client().await.authenticate(order(ANSWER)).await.unwrap();
}

/// What a call with a message marked as compressed is told.
async fn compressed(served: &Served, encoding: Option<&str>) -> Vec<u8> {
    let mut wire = Wire::open(served.address, &[]).await;
    let mut headers = call(AUTHENTICATE);
    if let Some(encoding) = encoding {
        headers.extend(header("grpc-encoding", encoding));
    }
    wire.send(HEADERS, END_HEADERS, 1, &headers).await;
    let mut message = prefix(1_000);
    message[0] = 1;
    message.extend([0x55; 1_000]);
    wire.send(DATA, END_STREAM, 1, &message).await;
    wire.answer(1).await.payload
}

#[tokio::test]
async fn a_compressed_message_is_refused_before_it_unfolds() {
    let served = Served::new(patient()).await;
    let told =
        |answer: &[u8], status: &[u8]| answer.windows(status.len()).any(|window| window == status);
    for encoding in ["gzip", "deflate", "zstd", "br"] {
        let answer = compressed(&served, Some(encoding)).await;
        assert!(told(&answer, UNIMPLEMENTED), "{encoding}: {answer:02x?}");
    }
    // Marked as compressed, but not saying how (gRPC over HTTP/2).
    for encoding in [None, Some("identity")] {
        let answer = compressed(&served, encoding).await;
        assert!(told(&answer, INVALID_ARGUMENT), "{encoding:?}: {answer:02x?}");
    }
}
