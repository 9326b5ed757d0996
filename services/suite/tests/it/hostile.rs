//! What clients can make the process hold, and for how long: measured on the
//! process, as it is without any settings.

use std::{
    convert::Infallible,
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::StreamBody;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::tempdir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
};
use tokio_stream::StreamExt as _;
use tonic::body::Body;
use tower::{Service as _, ServiceExt as _};

use crate::binary::{Roster, command};

/// As many as it took to hold 838 MB of a server without bounds.
const STREAMS: usize = 200;
/// As many as there may be at once.
const AT_ONCE: usize = 128;
/// Most of the largest message that is taken.
const BYTES: usize = 900 * 1024;
const CHUNK: usize = 16 * 1024;

/// The most memory that the process has had so far, in KiB.
fn peak(process: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A request of which almost all comes, and then nothing; `settled` is told
/// when it has been sent as far as that.
fn unfinished(settled: Arc<AtomicUsize>) -> http::Request<Body> {
    let begin = Bytes::from_static(&[0, 0, 0x0f, 0xff, 0xff]);
    let chunks = (0..BYTES / CHUNK).map(|_| Bytes::from(vec![b'x'; CHUNK]));
    let last = std::iter::from_fn(move || {
        settled.fetch_add(1, Ordering::Relaxed);
        None
    });
    let frames = std::iter::once(begin).chain(chunks).chain(last);
    let frames = frames.map(|bytes| Ok::<_, Infallible>(http_body::Frame::data(bytes)));
    let body = StreamBody::new(tokio_stream::iter(frames).chain(tokio_stream::pending()));
    http::Request::post("http://roster/roster.session.v1.SessionService/Login")
        .header("content-type", "application/grpc")
        .header("grpc-timeout", "1M")
        .body(Body::new(body))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn one_connection_takes_no_more_than_its_share_of_memory() {
    let folder = tempdir().unwrap();
    let mut command = command(folder.path());
    // What is held is held for as long as the test takes.
    command.env("ROSTER__GATEWAY__REQUEST_SECONDS", "600");
    let mut roster = Roster::start(command);
    let channel = roster.channel().await;
    let before = peak(roster.id());
    let settled = Arc::new(AtomicUsize::new(0));
    let mut calls = JoinSet::new();
    for _ in 0..STREAMS {
        let (mut channel, settled) = (channel.clone(), Arc::clone(&settled));
        calls.spawn(async move {
            let request = unfinished(Arc::clone(&settled));
            // Refused, or cut off when the test is over.
            let _refused = channel.ready().await.unwrap().call(request).await;
            settled.fetch_add(1, Ordering::Relaxed);
        });
    }
    let all = async {
        while settled.load(Ordering::Relaxed) < AT_ONCE {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(50), all).await.expect("neither taken nor refused");
    let risen = peak(roster.id()) - before;
    assert!(risen < 64 * 1024, "{risen} KiB");
    // Others are served meanwhile.
    let others = roster.connect().await;
    others.account().get_settings(roster_proto::identity::v1::GetSettingsRequest {}).await.unwrap();
}

const SILENT: usize = 2_000;

/// How long any of them may stay.
const SILENT_FOR: Duration = Duration::from_mins(1);

/// How a client opens a connection (RFC 9113, 3.4), with empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

/// Connects from an address of its own network, as one alone has a bound.
async fn connect(number: usize, to: SocketAddr) -> TcpStream {
    let host = u8::try_from(number % 64 + 1).unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((IpAddr::V4(Ipv4Addr::new(127, 0, 9, host)), 0))).unwrap();
    socket.connect(to).await.unwrap()
}

/// Lets this process, and those that it starts, have all the connections that
/// they may.
fn with_room_for(connections: u64) {
    let maximum = getrlimit(Resource::Nofile).maximum;
    assert!(maximum.is_none_or(|most| most > connections), "raise the limit: ulimit -Hn");
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn two_thousand_silent_connections_are_gone_within_a_minute() {
    with_room_for(2 * SILENT as u64);
    let folder = tempdir().unwrap();
    let mut roster = Roster::start(command(folder.path()));
    let address = roster.address();
    let mut silent = JoinSet::new();
    for number in 0..SILENT {
        let mut socket = connect(number, address).await;
        let opened = Instant::now();
        // Before a word, behind the preface, and behind the settings, where
        // nothing is missing but an answer.
        let said = [&[][..], PREFACE, &[PREFACE, SETTINGS].concat()][number % 3].to_vec();
        silent.spawn(async move {
            socket.write_all(&said).await.unwrap();
            let mut told = Vec::new();
            let left = SILENT_FOR.saturating_sub(opened.elapsed());
            // Closed or reset: it is over either way.
            let _over = tokio::time::timeout(left, socket.read_to_end(&mut told)).await?;
            Ok::<_, tokio::time::error::Elapsed>(())
        });
    }
    // Others are served meanwhile.
    let others = roster.connect().await;
    others.account().get_settings(roster_proto::identity::v1::GetSettingsRequest {}).await.unwrap();
    let ended = silent.join_all().await;
    let open = ended.iter().filter(|ended| ended.is_err()).count();
    assert_eq!(open, 0, "of {SILENT} are still open");
}
