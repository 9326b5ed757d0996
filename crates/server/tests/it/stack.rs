//! What stands in front of every service.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::poll;
use roster_kernel::{Actor, Caller, Deadline};
use roster_proto::subject::v1::ExportSubjectDataRequest;
use roster_testkit::epoch;
use tokio::join;
use tonic::{Code, Request};
use tower::ServiceExt;

use crate::world::{ANSWER, PANIC, WAIT, World, order, reason, service, within};

fn after(seconds: i64) -> Deadline {
    Deadline(epoch() + TimeDelta::seconds(seconds))
}

#[tokio::test]
async fn a_call_reaches_the_method_with_its_caller_and_a_deadline() {
    let world = World::new();
    world.client().authenticate(order(ANSWER)).await.unwrap();
    let seen = world.puppet.seen();
    assert_eq!(seen.caller, Some(service()));
    assert_eq!(seen.deadline, Some(after(10)));
}

#[tokio::test]
async fn without_a_caller_nothing_is_reached() {
    let world = World::new();
    let mut request = order(ANSWER);
    request.extensions_mut().remove::<Caller>();
    let status = world.client().authenticate(request).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Unauthenticated, "UNAUTHENTICATED")
    );
    assert!(world.puppet.seen().deadline.is_none());
}

#[tokio::test]
async fn the_rule_of_the_method_is_held() {
    let world = World::new();
    let mut request = order(ANSWER);
    request.extensions_mut().insert(Caller { actor: Actor::Anonymous, ..service() });
    let status = world.client().authenticate(request).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::PermissionDenied, "INTERNAL_ONLY")
    );
    assert!(world.puppet.seen().caller.is_none());
}

#[tokio::test]
async fn a_method_without_a_rule_does_not_exist() {
    let world = World::new();
    for path in [
        "/roster.session.v1.AuthenticationService/Nothing",
        "/roster.session.v1.AuthenticationService/authenticate",
        "/roster.session.v1.AuthenticationService/Authenticate/",
        "//roster.session.v1.AuthenticationService/Authenticate",
        "/grpc.health.v1.Health/Check",
    ] {
        let mut request = http::Request::post(path).body(tonic::body::Body::empty()).unwrap();
        request.extensions_mut().insert(service());
        let response = world.routes.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["grpc-status"], "12", "{path}");
    }
    assert!(world.puppet.seen().caller.is_none());
}

#[tokio::test]
async fn a_panic_is_answered_and_the_next_call_works() {
    let world = World::new();
    let status = world.client().authenticate(order(PANIC)).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Internal, "INTERNAL"));
    assert!(!status.message().contains("told to"));
    world.client().authenticate(order(ANSWER)).await.unwrap();
}

#[tokio::test]
async fn a_call_is_given_up_when_its_deadline_passes_and_not_before() {
    let world = World::new();
    let mut client = world.client();
    let mut call = Box::pin(client.authenticate(within(order(WAIT), "3S")));
    assert!(poll!(&mut call).is_pending());
    assert_eq!(world.puppet.seen().deadline, Some(after(3)));
    world.clock.advance(Duration::from_micros(2_999_999));
    assert!(poll!(&mut call).is_pending());
    world.clock.advance(Duration::from_micros(1));
    let status = call.await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(reason(&status), "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn an_answer_in_time_counts() {
    let world = World::new();
    let mut client = world.client();
    let call = client.authenticate(within(order(WAIT), "3S"));
    let meanwhile = async {
        world.puppet.arrived.notified().await;
        world.puppet.release.notify_one();
        world.clock.advance(Duration::from_secs(3));
    };
    let (answer, ()) = join!(call, meanwhile);
    assert!(answer.is_ok());
}

#[tokio::test]
async fn nobody_waits_for_longer_than_a_minute() {
    let world = World::new();
    world.client().authenticate(within(order(ANSWER), "99999999H")).await.unwrap();
    assert_eq!(world.puppet.seen().deadline, Some(after(60)));
}

#[tokio::test]
async fn a_deadline_that_is_there_already_is_never_moved_back() {
    let world = World::new();
    for (carried, expected) in [(2, 2), (20, 5)] {
        let mut request = within(order(ANSWER), "5S");
        request.extensions_mut().insert(after(carried));
        world.client().authenticate(request).await.unwrap();
        assert_eq!(world.puppet.seen().deadline, Some(after(expected)));
    }
}

#[tokio::test]
async fn a_timeout_that_says_nothing_is_refused() {
    let world = World::new();
    for timeout in ["5", "5s", "123456789S", "soon"] {
        let status = world.client().authenticate(within(order(ANSWER), timeout)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{timeout}");
        assert_eq!(reason(&status), "TIMEOUT_MALFORMED");
    }
}

#[tokio::test]
async fn the_time_that_is_left_goes_along_with_an_outgoing_call() {
    let world = World::new();
    let deadline = Some(after(4));
    world.clock.advance(Duration::from_secs(1));
    let message = order(ANSWER).into_inner();
    let request = roster_server::outgoing(message, service(), deadline, world.env.now());
    world.client().authenticate(request).await.unwrap();
    assert_eq!(world.puppet.seen().deadline, deadline);
}

fn export() -> Request<ExportSubjectDataRequest> {
    let mut request = Request::new(ExportSubjectDataRequest::default());
    request.extensions_mut().insert(service());
    request
}

#[tokio::test]
async fn a_stream_ends_with_its_callers_deadline() {
    let world = World::new();
    let mut streams = world.streams();
    let answer = streams.export_subject_data(within(export(), "90S")).await.unwrap();
    assert_eq!(world.puppet.seen().deadline, Some(after(90)));
    let mut stream = answer.into_inner();
    assert!(stream.message().await.unwrap().is_some());
    world.clock.advance(Duration::from_secs(89));
    assert!(poll!(Box::pin(stream.message())).is_pending());
    world.clock.advance(Duration::from_secs(1));
    let status = stream.message().await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_stream_without_a_deadline_goes_on() {
    let world = World::new();
    let mut request = export();
    // As an edge leaves it that does not know which methods are streams.
    request.extensions_mut().insert(after(10));
    let answer = world.streams().export_subject_data(request).await.unwrap();
    assert_eq!(world.puppet.seen().deadline, None);
    let mut stream = answer.into_inner();
    assert!(stream.message().await.unwrap().is_some());
    world.clock.advance(Duration::from_hours(1));
    assert!(poll!(Box::pin(stream.message())).is_pending());
}
