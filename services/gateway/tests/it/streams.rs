//! More streams than there are places for.

use roster_gateway::GatewayConfig;
use roster_server::PeerAddr;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::edge::{Edge, HEALTH_WATCH, LOGIN, WATCH, grpc};

const ADMIN: [(&str, &str); 1] = [("authorization", "Bearer admin")];

/// Opens a stream from an address; the refusal where there is none.
async fn open(
    edge: &Edge,
    path: &str,
    headers: &[(&str, &str)],
    peer: &str,
) -> Result<axum::response::Response, String> {
    let mut request = grpc(path, headers);
    // An empty message: of a service whose name is empty, which is the whole.
    *request.body_mut() = axum::body::Body::from(vec![0; 5]);
    request.extensions_mut().insert(PeerAddr(peer.parse().unwrap()));
    let response = edge.send(request).await;
    match Status::from_header_map(response.headers()) {
        None => Ok(response),
        Some(status) => {
            assert_eq!(status.code(), Code::ResourceExhausted);
            Err(status.get_error_details().error_info().unwrap().reason.clone())
        }
    }
}

#[tokio::test]
async fn a_caller_has_a_bound_of_streams_and_all_together_have_one() {
    let config =
        GatewayConfig { max_streams: 4, max_streams_per_caller: 2, ..GatewayConfig::default() };
    let edge = Edge::new(&config).await;
    let too_many = Err("TOO_MANY_STREAMS".to_owned());
    let refused = |answer: Result<_, String>| answer.map(drop);

    // A user is one caller, from wherever.
    let first = open(&edge, WATCH, &ADMIN, "192.0.2.1:1").await.unwrap();
    let _second = open(&edge, WATCH, &ADMIN, "192.0.2.2:1").await.unwrap();
    assert_eq!(refused(open(&edge, WATCH, &ADMIN, "192.0.2.3:1").await), too_many);
    // Without a user it is the address, of IPv6 the network.
    let _third = open(&edge, HEALTH_WATCH, &[], "[2001:db8::1]:1").await.unwrap();
    let _fourth = open(&edge, HEALTH_WATCH, &[], "[2001:db8::2]:1").await.unwrap();
    assert_eq!(refused(open(&edge, HEALTH_WATCH, &[], "192.0.2.9:1").await), too_many);
    // Calls have places of their own, and a stream that ends gives its back.
    assert_eq!(edge.call(LOGIN, &[]).await.0, Code::Ok);
    drop(first);
    assert_eq!(refused(open(&edge, HEALTH_WATCH, &[], "[2001:db8::3]:1").await), too_many);
    open(&edge, HEALTH_WATCH, &[], "192.0.2.9:1").await.unwrap();
}

#[tokio::test]
async fn an_open_stream_takes_no_place_from_calls() {
    let config = GatewayConfig { max_concurrent_calls: 1, ..GatewayConfig::default() };
    let edge = Edge::new(&config).await;
    let _open = open(&edge, WATCH, &ADMIN, "192.0.2.1:1").await.unwrap();
    assert_eq!(edge.call(LOGIN, &[]).await.0, Code::Ok);
}
