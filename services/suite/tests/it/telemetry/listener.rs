//! The listener for operators, at a real process.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
};

use tempfile::tempdir;

use crate::binary::{self, PATIENCE, Roster, command};

fn address(roster: &mut Roster) -> SocketAddr {
    let url = roster.printed("metrics");
    url.strip_prefix("http://").unwrap().strip_suffix("/metrics").unwrap().parse().unwrap()
}

/// The answer to a request, as it comes.
fn ask(address: SocketAddr, request_line: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("{request_line} HTTP/1.1\r\nhost: roster\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn operators_get_metrics_and_health_and_nothing_else() {
    let folder = tempdir().unwrap();
    let mut roster = Roster::start(command(folder.path()));
    let address = address(&mut roster);
    let metrics = ask(address, "GET /metrics");
    assert!(metrics.starts_with("HTTP/1.1 200 OK\r\n"), "{metrics}");
    assert!(metrics.contains("content-type: text/plain; version=0.0.4"), "{metrics}");
    let version = concat!("roster_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1");
    assert!(metrics.contains(version), "{metrics}");
    for (request, status) in [
        ("GET /healthz", "200"),
        ("GET /readyz", "200"),
        ("GET /", "404"),
        ("GET /metrics/", "404"),
        ("POST /metrics", "405"),
        ("POST /roster.session.v1.SessionService/Login", "404"),
    ] {
        let answer = ask(address, request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
    }
    roster.stop();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_port_in_use_is_named_and_leaves_nothing_behind() {
    let folder = tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = command(folder.path());
    command.env("ROSTER__METRICS_LISTEN", &address);
    let ended = binary::run(command);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains(&format!("cannot listen on {address}")), "{ended:?}");
    assert!(!folder.path().join("data").exists());
}

#[test]
fn it_can_be_turned_off() {
    let folder = tempdir().unwrap();
    let mut command = command(folder.path());
    command.env("ROSTER__METRICS_LISTEN", "off");
    let ended = Roster::start(command).stop();
    assert_eq!(ended.code, Some(0));
    assert!(!ended.stdout.contains("metrics"), "{}", ended.stdout);
}

/// Connections that say nothing do not keep the scraper out for long, and cost
/// no more than their places.
#[test]
fn silent_connections_do_not_hold_up_the_end() {
    let folder = tempdir().unwrap();
    let mut roster = Roster::start(command(folder.path()));
    let address = address(&mut roster);
    let silent: Vec<_> = (0..100).map(|_| TcpStream::connect(address).unwrap()).collect();
    let ended = roster.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    drop(silent);
}
