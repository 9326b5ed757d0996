//! One span for each call.

use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use roster_kernel::Caller;
use tower::{Layer, Service};
use tracing::{Instrument, Span, field::Empty};

use crate::telemetry;

/// The codes that are failures of the server: the others are the client's
/// affair (OpenTelemetry's semantic conventions for gRPC).
const FAILURES: [&str; 6] = ["2", "4", "12", "13", "14", "15"];

/// The name of a call, before there is a caller that carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrelationId(pub String);

/// Opens the span of a call, continuing the trace that its headers or the
/// surrounding span belong to, and notes how the call ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct TraceLayer;

impl<S> Layer<S> for TraceLayer {
    type Service = Traced<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Traced { inner }
    }
}

/// A service behind a [`TraceLayer`].
#[derive(Clone, Copy, Debug)]
pub struct Traced<S> {
    inner: S,
}

impl<S, B, R> Service<Request<B>> for Traced<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let span = span(&request);
        let call = span.in_scope(|| self.inner.call(request));
        let noted = span.clone();
        let answer = async move {
            let answer = call.await?;
            // A status in the headers is a refusal; one that comes behind the
            // body is the body's affair.
            let status = answer.headers().get("grpc-status").and_then(|code| code.to_str().ok());
            let status = status.unwrap_or("0");
            noted.record("rpc.grpc.status_code", status);
            if FAILURES.contains(&status) {
                noted.record("otel.status_code", "ERROR");
            }
            tracing::debug!("call answered");
            Ok(answer)
        };
        Box::pin(answer.instrument(span))
    }
}

fn span<B>(request: &Request<B>) -> Span {
    let mut names = request.uri().path().trim_start_matches('/').splitn(2, '/');
    let extensions = request.extensions();
    let correlation = extensions
        .get::<Caller>()
        .map(|caller| caller.correlation_id.as_str())
        .or_else(|| extensions.get::<CorrelationId>().map(|id| id.0.as_str()));
    let span = tracing::info_span!(
        "call",
        otel.name = request.uri().path(),
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.service = names.next().unwrap_or_default(),
        rpc.method = names.next().unwrap_or_default(),
        rpc.grpc.status_code = Empty,
        request.id = correlation,
        trace_id = Empty,
        otel.status_code = Empty,
    );
    if Span::current().is_disabled()
        && let Some(traceparent) = request.headers().get("traceparent")
        && let Ok(traceparent) = traceparent.to_str()
    {
        telemetry::continue_trace(&span, traceparent);
    }
    // So that a log line leads to its trace.
    if let Some(trace_id) = telemetry::trace_id(&span) {
        span.record("trace_id", trace_id);
    }
    span
}
