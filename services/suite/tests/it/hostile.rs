//! What one client can make the process hold, measured on the process.

use std::{
    convert::Infallible,
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::StreamBody;
use tempfile::tempdir;
use tokio::task::JoinSet;
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
