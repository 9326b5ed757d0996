//! Every call, counted and timed.

mod body;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};

use axum::body::HttpBody;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use opentelemetry::{KeyValue, StringValue, Value, metrics::Histogram};
use tonic::Code;
use tower::Service;

use super::Meters;
use crate::AccessTable;

pub use body::MeteredBody;

/// The names of a method that is in no contract: one name for all of them,
/// because clients choose the path.
const OTHER: &str = "_OTHER";

/// From where calls are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// As clients see them.
    Edge,
    /// As the services see them, calls of other services included.
    Service,
}

/// The instruments of calls. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CallMeter {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    duration: Histogram<f64>,
    active: Arc<AtomicI64>,
    layer: KeyValue,
    names: HashMap<String, Names>,
    other: Names,
}

/// How a method is called in measurements. Shared text: a call copies
/// references.
#[derive(Clone, Debug)]
struct Names {
    service: KeyValue,
    method: KeyValue,
}

impl Names {
    fn of(path: &str) -> Option<Self> {
        let (service, method) = path.strip_prefix('/')?.split_once('/')?;
        Some(Self::new(service, method))
    }

    fn new(service: &str, method: &str) -> Self {
        Self {
            service: KeyValue::new("rpc.service", shared(service)),
            method: KeyValue::new("rpc.method", shared(method)),
        }
    }
}

fn shared(text: &str) -> Value {
    Value::String(StringValue::from(Arc::<str>::from(text)))
}

impl CallMeter {
    /// The instruments of calls as seen from `layer`: of the methods of the
    /// contracts and of `others`, by their paths.
    #[must_use]
    pub fn new(meters: &Meters, layer: Layer, access: &AccessTable, others: &[&str]) -> Self {
        let layer = KeyValue::new(
            "roster.layer",
            match layer {
                Layer::Edge => "edge",
                Layer::Service => "service",
            },
        );
        let active = Arc::new(AtomicI64::new(0));
        let (read, seen_from) = (Arc::clone(&active), layer.clone());
        meters.observe(
            "roster.calls.active",
            "{call}",
            "Calls that are being worked on",
            move |active| {
                active.observe(read.load(Ordering::Relaxed), std::slice::from_ref(&seen_from));
            },
        );
        let duration = meters
            .durations("rpc.server.call.duration", "How long calls took, to the end of the answer");
        let paths = access.iter().map(|(path, _)| path).chain(others.iter().copied());
        let names = paths.filter_map(|path| Some((path.to_owned(), Names::of(path)?))).collect();
        let other = Names::new(OTHER, OTHER);
        Self { inner: Arc::new(Inner { duration, active, layer, names, other }) }
    }

    /// Begins to time a call.
    fn begin(&self, path: &str) -> OpenCall {
        self.inner.active.fetch_add(1, Ordering::Relaxed);
        let names = self.inner.names.get(path).unwrap_or(&self.inner.other).clone();
        OpenCall {
            meter: Arc::clone(&self.inner),
            names,
            begun: Instant::now(),
            code: Code::Cancelled,
        }
    }
}

/// A call that has not come to its end. Dropped before anything was said of
/// its end, it was given up by its caller.
#[derive(Debug)]
struct OpenCall {
    meter: Arc<Inner>,
    names: Names,
    begun: Instant,
    code: Code,
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.meter.active.fetch_sub(1, Ordering::Relaxed);
        let Names { service, method } = self.names.clone();
        let code = KeyValue::new("rpc.grpc.status_code", i64::from(i32::from(self.code)));
        let attributes = [self.meter.layer.clone(), service, method, code];
        self.meter.duration.record(self.begun.elapsed().as_secs_f64(), &attributes);
    }
}

/// The code that headers or trailers carry. A client cannot put others than
/// the 17 codes into measurements: what is none of them is unknown.
fn code(headers: &HeaderMap) -> Option<Code> {
    headers.get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()))
}

/// Counts and times what passes through.
#[derive(Clone, Debug)]
pub struct MeterLayer {
    meter: CallMeter,
}

impl MeterLayer {
    /// A layer that uses `meter`.
    #[must_use]
    pub const fn new(meter: CallMeter) -> Self {
        Self { meter }
    }
}

impl<S> tower::Layer<S> for MeterLayer {
    type Service = Metered<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Metered { inner, meter: self.meter.clone() }
    }
}

/// A service behind a [`MeterLayer`].
#[derive(Clone, Debug)]
pub struct Metered<S> {
    inner: S,
    meter: CallMeter,
}

impl<S, B, R> Service<Request<B>> for Metered<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    R: HttpBody + Unpin,
{
    type Response = Response<MeteredBody<R>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let call = self.meter.begin(request.uri().path());
        let answer = self.inner.call(request);
        Box::pin(async move { Ok(body::metered(answer.await?, call)) })
    }
}
