//! The line that each call leaves in the log.

use std::{cell::RefCell, io};

use roster_gateway::GatewayConfig;
use tonic::Code;

use crate::edge::{Edge, GET_PROFILE, LIST_USERS, LOGIN, MACHINE, USER, WATCH, grpc};

thread_local! {
    /// What this thread, and so this test, has logged.
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes to [`LOGGED`]. The log is one of the process, as elsewhere: one of a
/// test alone would miss what another test's thread came upon first.
struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines since the last time.
fn logged() -> Vec<String> {
    let bytes = LOGGED.take();
    String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn every_call_is_one_line_when_it_is_over() {
    tracing_subscriber::fmt().with_ansi(false).with_writer(|| Log).init();
    let edge = Edge::new(&GatewayConfig::default()).await;
    let user = ("authorization", "Bearer user");
    let stale = ("authorization", "Bearer stale");

    edge.call(GET_PROFILE, &[user, ("x-request-id", "call-7")]).await;
    let lines = logged();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    for part in ["INFO", "GetProfile", "call-7", "code=0", "milliseconds=0", USER] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(!line.contains("machine_token"), "{line}");
    // Of a machine, both the token and whoever issued it, and nothing that opens
    // anything.
    edge.call(LIST_USERS, &[("authorization", "Bearer rmt_admin")]).await;
    let lines = logged();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    for part in [format!("user.id=\"{USER}\""), format!("machine_token.id=\"{MACHINE}\"")] {
        assert!(line.contains(&part) && !line.contains("rmt_"), "{part}: {line}");
    }
    assert_eq!(edge.call(GET_PROFILE, &[stale]).await.0, Code::Unauthenticated);
    let lines = logged();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert!(line.contains("code=16 reason=\"TOKEN_INVALID\"") && !line.contains("stale"), "{line}");
    // Of a stream, and of an answer that nobody waits for, it is the end.
    for (path, header) in [(WATCH, ("authorization", "Bearer admin")), (LOGIN, user)] {
        let response = edge.send(grpc(path, &[header])).await;
        assert!(logged().is_empty());
        drop(response);
        let lines = logged();
        assert!(lines.len() == 1 && lines[0].contains("code=1 "), "{lines:?}");
    }
}
