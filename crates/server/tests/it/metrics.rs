//! What is said of calls is what became of them.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use roster_proto::FILE_DESCRIPTOR_SET;
use roster_server::{
    AccessTable,
    metrics::{CallMeter, Layer, MeterLayer, Metrics},
};
use tower::ServiceExt as _;

const LIST: &str = "/roster.identity.v1.UserAdminService/ListUsers";

struct World {
    metrics: Metrics,
    calls: CallMeter,
}

impl World {
    fn new() -> Self {
        let metrics = Metrics::new(None).unwrap();
        let access = AccessTable::new(FILE_DESCRIPTOR_SET).unwrap();
        let calls =
            CallMeter::new(metrics.meters(), Layer::Edge, &access, &["/other.Health/Check"]);
        Self { metrics, calls }
    }

    /// The answer to a call of `path`, which is answered with what `answer` makes.
    async fn call(
        &self,
        path: &str,
        answer: impl Fn() -> Response + Clone + Send + Sync + 'static,
    ) -> Response {
        let answered = Arc::new(answer);
        let routes = Router::new()
            .fallback(async move || answered())
            .layer(MeterLayer::new(self.calls.clone()));
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        routes.oneshot(request).await.unwrap()
    }

    /// How many calls of a method ended with a code.
    fn ended(&self, method: &str, code: u8) -> u64 {
        let start = "rpc_server_call_duration_seconds_count{roster_layer=\"edge\",";
        let labels = format!("rpc_grpc_status_code=\"{code}\",rpc_method=\"{method}\",");
        let text = self.metrics.scraper().text().unwrap();
        let line = text.lines().find(|it| it.starts_with(&format!("{start}{labels}")));
        line.map_or(0, |line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
    }

    fn active(&self) -> i64 {
        let text = self.metrics.scraper().text().unwrap();
        let line = text.lines().find(|it| it.starts_with("roster_calls_active{")).unwrap();
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    }
}

/// A message, then the status.
fn answered(code: &'static str) -> Response {
    let message = Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"message")));
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(code));
    let frames = tokio_stream::iter([message, Ok(Frame::trailers(trailers))]);
    Response::new(Body::new(StreamBody::new(frames)))
}

fn refused(code: &'static str) -> Response {
    Response::builder().header("grpc-status", code).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_call_lasts_until_its_status_is_told() {
    let world = World::new();
    let answer = world.call(LIST, || answered("0")).await;
    assert_eq!((world.ended("ListUsers", 0), world.active()), (0, 1));
    let mut body = answer.into_body();
    body.frame().await.unwrap().unwrap();
    assert_eq!((world.ended("ListUsers", 0), world.active()), (0, 1));
    body.frame().await.unwrap().unwrap();
    assert_eq!((world.ended("ListUsers", 0), world.active()), (1, 0));
    drop(body);
    assert_eq!((world.ended("ListUsers", 0), world.active()), (1, 0));
}

#[tokio::test]
async fn the_status_counts_wherever_it_is() {
    let world = World::new();
    world.call(LIST, || refused("16")).await;
    assert_eq!(world.ended("ListUsers", 16), 1);
    let late = world.call(LIST, || answered("13")).await;
    late.into_body().collect().await.unwrap();
    assert_eq!(world.ended("ListUsers", 13), 1);
    let http = || StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    world.call(LIST, http).await.into_body().collect().await.unwrap();
    assert_eq!(world.ended("ListUsers", 2), 1);
    assert_eq!(world.active(), 0);
}

#[tokio::test]
async fn who_goes_away_has_cancelled() {
    let world = World::new();
    drop(world.call(LIST, || answered("0")).await);
    assert_eq!(world.ended("ListUsers", 1), 1);
    // While the answer is still being made.
    let waiting = Router::new()
        .fallback(async || std::future::pending::<Response>().await)
        .layer(MeterLayer::new(world.calls.clone()));
    let request = Request::builder().uri(LIST).body(Body::empty()).unwrap();
    {
        let mut call = std::pin::pin!(waiting.oneshot(request));
        assert!(futures_util::poll!(&mut call).is_pending());
        assert_eq!(world.active(), 1);
    }
    assert_eq!((world.ended("ListUsers", 1), world.active()), (2, 0));
}

#[tokio::test]
async fn clients_make_no_new_series() {
    let world = World::new();
    for path in ["/nobody.knows/1", "/nobody.knows/2", "/", "/roster.identity.v1.X/ListUsers"] {
        world.call(path, || refused("12")).await;
    }
    assert_eq!(world.ended("_OTHER", 12), 4);
    world.call("/other.Health/Check", || refused("0")).await;
    assert_eq!(world.ended("Check", 0), 1);
    for code in ["99", "-1", "nonsense"] {
        let code: &'static str = code;
        world.call(LIST, move || refused(code)).await;
    }
    assert_eq!(world.ended("ListUsers", 2), 3);
    let text = world.metrics.scraper().text().unwrap();
    assert!(!text.contains("nobody"), "{text}");
}
