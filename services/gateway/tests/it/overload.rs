//! More calls than there are places for.

use std::sync::Arc;

use roster_gateway::GatewayConfig;
use roster_testkit::eventually;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::edge::{Edge, LOGIN, ended, grpc};

#[tokio::test]
async fn what_does_not_fit_is_refused_at_once_and_told_when_to_come_again() {
    let config = GatewayConfig { max_concurrent_calls: 2, ..GatewayConfig::default() };
    let edge = Arc::new(Edge::new(&config).await);
    edge.gate.forget_permits(usize::MAX);
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let edge = Arc::clone(&edge);
        waiting.spawn(async move { edge.call(LOGIN, &[]).await.0 });
    }
    let mut arrived = 0;
    eventually(async || {
        arrived += edge.seen().len();
        arrived == 2
    })
    .await;
    let response = edge.send(grpc(LOGIN, &[])).await;
    let status = Status::from_header_map(response.headers()).unwrap();
    assert_eq!(status.code(), Code::ResourceExhausted);
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "OVERLOADED");
    assert!(details.retry_info().unwrap().retry_delay.is_some());
    assert!(edge.seen().is_empty());

    edge.gate.add_permits(100);
    assert_eq!(waiting.join_all().await, [Code::Ok, Code::Ok]);
    assert_eq!(edge.call(LOGIN, &[]).await.0, Code::Ok);
}

#[tokio::test]
async fn an_answer_that_is_not_read_takes_no_place_from_others() {
    let config = GatewayConfig { max_concurrent_calls: 1, ..GatewayConfig::default() };
    let edge = Edge::new(&config).await;
    let unread = edge.send(grpc(LOGIN, &[])).await;
    assert_eq!(edge.call(LOGIN, &[]).await.0, Code::Ok);
    assert_eq!(ended(unread).await.code(), Code::Ok);
}
