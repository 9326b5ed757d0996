//! Requests that do not come.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use roster_gateway::GatewayConfig;
use tokio::task::JoinSet;
use tonic::Code;
use tonic_types::StatusExt;

use crate::edge::{Edge, LOGIN, ended, grpc};

/// A request whose bytes stop coming after the first few.
fn silent() -> http::Request<Body> {
    let mut request = grpc(LOGIN, &[("grpc-timeout", "1M")]);
    let begun = Frame::data(bytes::Bytes::from_static(&[0, 0, 0]));
    let frames = futures_util::StreamExt::chain(
        stream::iter([Ok::<_, std::convert::Infallible>(begun)]),
        stream::pending(),
    );
    *request.body_mut() = Body::new(StreamBody::new(frames));
    request
}

#[tokio::test]
async fn a_request_that_does_not_come_takes_no_place_and_is_given_up() {
    let (clock, env) = roster_testkit::env(1);
    let config =
        GatewayConfig { max_concurrent_calls: 1, request_seconds: 3, ..GatewayConfig::default() };
    let edge = Arc::new(Edge::with(&config, env).await);
    let mut waiting = JoinSet::new();
    for _ in 0..10 {
        let edge = Arc::clone(&edge);
        waiting.spawn(async move { ended(edge.send(silent()).await).await });
    }
    tokio::task::yield_now().await;
    assert_eq!(edge.call(LOGIN, &[]).await.0, Code::Ok);
    assert!(waiting.try_join_next().is_none());
    clock.advance(Duration::from_secs(3));
    for status in waiting.join_all().await {
        assert_eq!(status.code(), Code::DeadlineExceeded);
        let reason = status.get_error_details().error_info().unwrap().reason.clone();
        assert_eq!(reason, "REQUEST_INCOMPLETE");
    }
    assert_eq!(edge.seen().len(), 1);
}
