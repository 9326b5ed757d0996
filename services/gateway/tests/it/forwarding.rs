//! What a service gets to see of a call.

use chrono::TimeDelta;
use roster_gateway::GatewayConfig;
use roster_kernel::{Actor, MachineActor, MachineTokenId, UserActor, UserId};
use roster_server::{Networks, PeerAddr};
use tonic::Code;

use crate::edge::{Edge, GET_PROFILE, LIST_USERS, LOGIN, MACHINE, USER, grpc};

#[tokio::test]
async fn the_caller_travels_beside_the_call() {
    let edge = Edge::new(&GatewayConfig::default()).await;
    let headers = [("authorization", "Bearer admin"), ("user-agent", "a client/1.0")];
    let mut request = grpc(LIST_USERS, &headers);
    request.extensions_mut().insert(PeerAddr("192.0.2.7:1234".parse().unwrap()));
    edge.send(request).await;
    let seen = edge.seen().remove(0);
    let caller = seen.caller.unwrap();
    let Actor::User(UserActor { user_id, is_admin, .. }) = caller.actor else { panic!() };
    assert_eq!((user_id, is_admin), (UserId::parse(USER).unwrap(), true));
    assert_eq!(caller.origin.address, Some("192.0.2.7".parse().unwrap()));
    assert_eq!(caller.origin.user_agent, "a client/1.0");
    assert_eq!(seen.path, LIST_USERS);
}

#[tokio::test]
async fn a_machine_travels_with_its_token_and_its_issuer() {
    let edge = Edge::new(&GatewayConfig::default()).await;
    for (token, read_only) in [("rmt_admin", false), ("rmt_read_only", true)] {
        let bearer = format!("Bearer {token}");
        assert_eq!(edge.call(LIST_USERS, &[("authorization", &bearer)]).await.0, Code::Ok);
        let caller = edge.seen().remove(0).caller.unwrap();
        let expected = MachineActor {
            token_id: MachineTokenId::parse(MACHINE).unwrap(),
            issuer_id: UserId::parse(USER).unwrap(),
            read_only,
            is_admin: true,
            password_change_required: false,
        };
        assert_eq!(caller.actor, Actor::Machine(expected));
    }
}

#[tokio::test]
async fn headers_are_forwarded_by_an_allow_list() {
    let edge = Edge::new(&GatewayConfig::default()).await;
    let headers = [
        ("authorization", "Bearer user"),
        ("x-user-id", "somebody"),
        ("x-roster-actor", "admin"),
        ("x-forwarded-for", "198.51.100.1"),
        ("grpc-timeout", "5S"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ];
    edge.call(GET_PROFILE, &headers).await;
    let seen = edge.seen().remove(0);
    let mut names: Vec<_> = seen.headers.keys().map(ToString::to_string).collect();
    names.sort();
    assert_eq!(names, ["content-type", "grpc-timeout", "traceparent"]);
    assert_eq!(seen.caller.unwrap().origin.address, None, "a header is no address");
}

#[tokio::test]
async fn the_deadline_is_the_clients_or_the_default() {
    let (clock, env) = roster_testkit::env(1);
    let edge = Edge::with(&GatewayConfig::default(), env).await;
    for (header, seconds) in [(None, 10), (Some("3S"), 3), (Some("2H"), 60)] {
        let headers: Vec<_> = header.map(|value| ("grpc-timeout", value)).into_iter().collect();
        edge.call(LOGIN, &headers).await;
        let deadline = edge.seen().remove(0).deadline.unwrap();
        let expected = roster_kernel::Clock::now(&*clock) + TimeDelta::seconds(seconds);
        assert_eq!(deadline.0, expected, "{header:?}");
    }
}

#[tokio::test]
async fn every_call_has_a_name_that_the_client_may_choose() {
    let edge = Edge::new(&GatewayConfig::default()).await;
    let response = edge.send(grpc(LOGIN, &[("x-request-id", "my-call.1")])).await;
    assert_eq!(response.headers()["x-request-id"], "my-call.1");
    assert_eq!(edge.seen().remove(0).caller.unwrap().correlation_id, "my-call.1");
    for unfit in ["with space", "semi;colon", "", &"x".repeat(65)] {
        let response = edge.send(grpc(LOGIN, &[("x-request-id", unfit)])).await;
        let given = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert_ne!(given, unfit);
        assert_eq!(edge.seen().remove(0).caller.unwrap().correlation_id, given);
    }
}

#[tokio::test]
async fn a_stale_token_keeps_nobody_from_signing_in() {
    let edge = Edge::new(&GatewayConfig::default()).await;
    let (code, _) = edge.call(LOGIN, &[("authorization", "Bearer stale")]).await;
    assert_eq!(code, Code::Ok);
    assert_eq!(edge.seen().remove(0).caller.unwrap().actor, Actor::Anonymous);
}

#[tokio::test]
async fn only_a_trusted_proxy_says_where_a_call_comes_from() {
    let (_, env) = roster_testkit::env(1);
    let proxies = Networks::parse(&["192.0.2.0/24"]).unwrap();
    let edge = Edge::behind(&GatewayConfig::default(), env, proxies).await;
    for (peer, expected) in
        [("192.0.2.7:1234", "198.51.100.1"), ("203.0.113.7:1234", "203.0.113.7")]
    {
        let claims = [("x-forwarded-for", "198.51.100.1"), ("forwarded", "for=198.51.100.2")];
        let mut request = grpc(LOGIN, &claims);
        request.extensions_mut().insert(PeerAddr(peer.parse().unwrap()));
        edge.send(request).await;
        let origin = edge.seen().remove(0).caller.unwrap().origin;
        assert_eq!(origin.address, Some(expected.parse().unwrap()), "{peer}");
    }
}
