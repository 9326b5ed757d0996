//! Clients that connect and fall silent: how long the process keeps them.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use crate::{
    process::Process,
    table::{Row, Unit},
};

/// How a client opens a connection (RFC 9113, 3.4), with empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

/// What is said before the silence.
const SAID: [(&str, &[&[u8]]); 3] = [
    ("before a word", &[]),
    ("behind their preface", &[PREFACE]),
    ("behind their settings", &[PREFACE, SETTINGS]),
];

/// No client is waited for any longer.
const PATIENCE: Duration = Duration::from_mins(3);

/// Connects from an address of its own network, as one alone has a bound.
async fn connect(number: usize, to: SocketAddr) -> TcpStream {
    let host = u8::try_from(number % 64 + 1).unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((IpAddr::V4(Ipv4Addr::new(127, 0, 9, host)), 0))).unwrap();
    socket.connect(to).await.unwrap()
}

/// How long until the process has closed all of `connections`, in seconds.
async fn gone_after(process: &Process, connections: usize, said: &[&[u8]]) -> f64 {
    let begun = Instant::now();
    let mut silent = Vec::with_capacity(connections);
    for number in 0..connections {
        let mut socket = connect(number, process.address).await;
        socket.write_all(&said.concat()).await.unwrap();
        silent.push(socket);
    }
    let gone = join_all(silent.into_iter().map(|mut socket| async move {
        let mut told = Vec::new();
        // Closed or reset: it is over either way.
        let _ended = socket.read_to_end(&mut told).await;
    }));
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
    begun.elapsed().as_secs_f64()
}

/// A row for each way to be silent.
pub async fn measure(process: &Process, connections: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for (when, said) in SAID {
        let gone = gone_after(process, connections, said).await;
        let what = format!("{connections} silent {when} are gone after");
        rows.push(Row::new(what, gone, Unit::Seconds).goal(60.0));
    }
    rows
}
