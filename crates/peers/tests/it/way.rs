//! What goes along with a call, and what becomes of it when the service is
//! away.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use http::HeaderName;
use roster_kernel::{Actor, Caller, Deadline, ServiceName};
use roster_testkit::{Link, Way, eventually};

use crate::world::{INTERNAL, USER, World, call, request, service, with};

#[tokio::test]
async fn the_caller_arrives_as_the_gateway_knows_it() {
    let world = World::new().await;
    let user = world.user();
    call(&world.gateway(), request(USER, user.clone())).await.unwrap();
    let seen = world.seen();
    assert_eq!(seen.caller, Some(user.clone()));
    // The service itself never gets to hold an assertion.
    assert!(!seen.headers.contains_key("roster-assertion"));
    // For its own account the gateway says where the call came from.
    let own = Caller { actor: Actor::Service(ServiceName::from_static("gateway")), ..user };
    call(&world.gateway(), request(INTERNAL, own.clone())).await.unwrap();
    assert_eq!(world.seen().caller, Some(own));
}

#[tokio::test]
async fn the_deadline_goes_along_less_what_has_passed() {
    let world = World::new().await;
    let deadline = Deadline(world.env.now() + TimeDelta::milliseconds(4_000));
    world.clock.advance(Duration::from_millis(1_500));
    let mut asked = request(INTERNAL, service("gateway"));
    asked.extensions_mut().insert(deadline);
    let asked = with(asked, HeaderName::from_static("traceparent"), "00-trace");
    call(&world.gateway(), asked).await.unwrap();
    let seen = world.seen();
    assert_eq!(seen.deadline, Some(deadline));
    assert_eq!(seen.headers["grpc-timeout"], "2500000u");
    assert_eq!(seen.headers["traceparent"], "00-trace");
}

#[tokio::test]
async fn a_service_that_does_not_answer_in_time_is_not_waited_for() {
    let world = World::new().await;
    let gateway = world.gateway();
    let mut asked = request(INTERNAL, service("gateway"));
    asked.extensions_mut().insert(Deadline(world.env.now() + TimeDelta::seconds(3)));
    let asked = with(asked, HeaderName::from_static("wait"), "");
    let (called, ()) = tokio::join!(call(&gateway, asked), async {
        world.session.arrived.notified().await;
        world.clock.advance(Duration::from_secs(3));
    });
    assert_eq!(called, Err("DEADLINE_EXCEEDED".to_owned()));
    let mut late = request(INTERNAL, service("gateway"));
    late.extensions_mut().insert(Deadline(world.env.now()));
    assert_eq!(call(&gateway, late).await, Err("DEADLINE_EXCEEDED".to_owned()));
}

#[tokio::test]
async fn a_service_that_goes_away_comes_back_without_a_restart() {
    let mut world = World::new().await;
    let gateway = world.gateway();
    let ask = async || call(&gateway, request(INTERNAL, service("gateway"))).await;
    ask().await.unwrap();
    world.stop().await;
    for _ in 0..3 {
        assert_eq!(ask().await, Err("UPSTREAM_UNREACHABLE".to_owned()));
    }
    world.start().await;
    ask().await.unwrap();
}

#[tokio::test]
async fn those_who_wait_for_a_replica_share_what_comes_of_it() {
    let world = World::new().await;
    let link = Link::to(world.address);
    let gateway = world.gateway_by(&[link.address()]);
    link.set(Way::Swallowed);
    let calls = (0..20).map(|_| call(&gateway, request(INTERNAL, service("gateway"))));
    for called in join_all(calls).await {
        assert_eq!(called, Err("UPSTREAM_UNREACHABLE".to_owned()));
    }
    assert_eq!(link.connected(), 1);
    // What was tried in vain holds for those who waited, and for nobody else.
    link.set(Way::Open);
    call(&gateway, request(INTERNAL, service("gateway"))).await.unwrap();
    assert_eq!(link.connected(), 2);
}

#[tokio::test]
async fn a_replica_that_could_not_be_reached_is_tried_last_for_a_while() {
    let world = World::new().await;
    let link = Link::to(world.address);
    let gateway = world.gateway_by(&[link.address(), world.address]);
    let ask = async || call(&gateway, request(INTERNAL, service("gateway"))).await.unwrap();
    link.set(Way::Swallowed);
    for _ in 0..20 {
        ask().await;
    }
    assert_eq!(link.connected(), 1);
    link.set(Way::Open);
    ask().await;
    ask().await;
    assert_eq!(link.connected(), 1);
    world.clock.advance(Duration::from_secs(5));
    ask().await;
    ask().await;
    assert_eq!(link.connected(), 2);
}

#[tokio::test]
async fn a_replica_that_somebody_gave_up_waiting_for_is_tried_last_as_well() {
    let world = World::new().await;
    let link = Link::to(world.address);
    let gateway = world.gateway_by(&[link.address(), world.address]);
    link.set(Way::Swallowed);
    tokio::select! {
        biased;
        called = call(&gateway, request(INTERNAL, service("gateway"))) => called.unwrap(),
        () = eventually(async || link.connected() == 1) => {}
    }
    for _ in 0..20 {
        call(&gateway, request(INTERNAL, service("gateway"))).await.unwrap();
    }
    assert_eq!(link.connected(), 1);
}
