//! Streams whose callers lose the right to them.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use http_body_util::BodyExt;
use roster_gateway::GatewayConfig;
use roster_testkit::MockClock;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::edge::{EXPORT, Edge, Tokens, WATCH, grpc};

async fn watching(path: &str, token: &str) -> (Edge, Arc<MockClock>, Body) {
    let (clock, env) = roster_testkit::env(1);
    let edge = Edge::with(&GatewayConfig::default(), env).await;
    let bearer = format!("Bearer {token}");
    let response = edge.send(grpc(path, &[("authorization", &bearer)])).await;
    let mut body = response.into_body();
    assert!(body.frame().await.unwrap().unwrap().is_data());
    (edge, clock, body)
}

/// Lets time pass, and answers how the stream has ended, if it has.
async fn after(clock: &MockClock, seconds: u64, body: &mut Body) -> Option<Status> {
    let mut next = Box::pin(body.frame());
    for _ in 0..seconds {
        assert!(futures_util::poll!(&mut next).is_pending());
        clock.advance(Duration::from_secs(1));
        // A look takes a few turns of the services that are asked.
        for _ in 0..20 {
            if let std::task::Poll::Ready(frame) = futures_util::poll!(&mut next) {
                let trailers = frame.unwrap().unwrap().into_trailers().unwrap();
                return Status::from_header_map(&trailers);
            }
            tokio::task::yield_now().await;
        }
    }
    None
}

#[tokio::test]
async fn a_stream_ends_within_a_second_of_its_callers_right_to_it() {
    for token in ["admin", "rmt_admin", "rmt_read_only"] {
        for (change, expected) in [
            (Tokens::Over, Code::Unauthenticated),
            (Tokens::Demoted, Code::PermissionDenied),
            (Tokens::Temporary, Code::PermissionDenied),
            // Who cannot be asked has not agreed.
            (Tokens::Unknown, Code::Unavailable),
        ] {
            let (edge, clock, mut body) = watching(WATCH, token).await;
            assert!(after(&clock, 5, &mut body).await.is_none());
            *edge.tokens.lock().unwrap() = change;
            let ended = after(&clock, 1, &mut body).await.expect("still open");
            assert_eq!(ended.code(), expected, "{token} {change:?}");
            assert!(body.frame().await.is_none());
        }
    }
}

#[tokio::test]
async fn what_a_stream_has_to_say_waits_for_the_answer() {
    let (edge, clock, mut body) = watching(EXPORT, "admin").await;
    *edge.tokens.lock().unwrap() = Tokens::Silent;
    assert!(futures_util::poll!(body.frame()).is_ready());
    clock.advance(Duration::from_secs(1));
    for _ in 0..20 {
        assert!(futures_util::poll!(body.frame()).is_pending());
        tokio::task::yield_now().await;
    }
}

/// A drain would wait for it for as long as it can wait.
#[tokio::test]
async fn a_stream_without_an_end_of_its_own_ends_when_a_drain_begins() {
    let (edge, _clock, mut body) = watching(WATCH, "admin").await;
    let mut next = Box::pin(body.frame());
    assert!(futures_util::poll!(&mut next).is_pending());
    edge.tasks.shutdown().await;
    let trailers = next.await.unwrap().unwrap().into_trailers().unwrap();
    let ended = Status::from_header_map(&trailers).unwrap();
    let reason = ended.get_details_error_info().map(|it| it.reason);
    assert_eq!((ended.code(), reason.as_deref()), (Code::Unavailable, Some("DRAINING")));
    assert!(body.frame().await.is_none());
}

/// What is on its way to an end is let come to it.
#[tokio::test]
async fn a_stream_with_an_end_of_its_own_goes_on_in_a_drain() {
    let (edge, _clock, mut body) = watching(EXPORT, "admin").await;
    edge.tasks.shutdown().await;
    for _ in 0..100 {
        assert!(body.frame().await.unwrap().unwrap().is_data());
    }
}
