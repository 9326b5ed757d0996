//! Giving up when nobody waits for the answer any more.
//!
//! The server underneath does not enforce `grpc-timeout` for calls within the
//! process, so this layer does, in front of every service.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use hyper::body::Frame;
use roster_kernel::{Clock, Deadline, Timestamp};
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::{AccessTable, Refusal};

const HEADER: &str = "grpc-timeout";

/// How long calls may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimits {
    /// For callers that do not say how long they wait.
    pub default: Duration,
    /// However long callers say they wait. A stream may go on for longer, but
    /// begins within it.
    pub longest: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self { default: Duration::from_secs(10), longest: Duration::from_mins(1) }
    }
}

/// Attaches the [`Deadline`] to each request and answers `DEADLINE_EXCEEDED`
/// when it passes.
///
/// Whoever forwards a request within the process hands on the deadline with
/// its extensions; a deadline is never later than one that is there already.
#[derive(Clone, Debug)]
pub struct DeadlineLayer {
    clock: Arc<dyn Clock>,
    limits: TimeLimits,
    methods: Option<AccessTable>,
}

impl DeadlineLayer {
    /// Deadlines by `clock`.
    #[must_use]
    pub const fn new(clock: Arc<dyn Clock>, limits: TimeLimits) -> Self {
        Self { clock, limits, methods: None }
    }

    /// Takes the streaming methods of `methods` for what they are: their
    /// callers' own deadline ends the stream, and without one it has none.
    #[must_use]
    pub fn with_streams(self, methods: AccessTable) -> Self {
        Self { methods: Some(methods), ..self }
    }

    /// The times of a request that arrives now.
    fn times<B>(&self, request: &Request<B>) -> Result<Times, Malformed> {
        let now = self.clock.now();
        let asked = asked(request.headers())?;
        let carried = request.extensions().get::<Deadline>().copied();
        let own = after(now, asked.unwrap_or(self.limits.default).min(self.limits.longest));
        let answer = carried.map_or(own, |carried| carried.min(own));
        let rule = self.methods.as_ref().and_then(|it| it.find(request.uri().path()));
        if rule.is_some_and(|rule| rule.streams.any()) {
            let end = asked.map(|wait| after(now, wait));
            return Ok(Times { answer, end, stream_end: end });
        }
        Ok(Times { answer, end: Some(answer), stream_end: None })
    }
}

/// When a call is given up.
struct Times {
    /// When the answer has to have begun.
    answer: Deadline,
    /// When all of it is over, as the method gets to know.
    end: Option<Deadline>,
    /// When a stream that has begun is ended.
    stream_end: Option<Deadline>,
}

/// A `grpc-timeout` that says nothing.
struct Malformed;

fn after(now: Timestamp, wait: Duration) -> Deadline {
    let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
    Deadline(now.checked_add_signed(wait).unwrap_or(Timestamp::MAX_UTC))
}

/// What the client says about how long it waits.
fn asked(headers: &HeaderMap) -> Result<Option<Duration>, Malformed> {
    let mut values = headers.get_all(HEADER).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(only), None) => only.to_str().ok().and_then(parse).map(Some).ok_or(Malformed),
        (Some(_), Some(_)) => Err(Malformed),
    }
}

/// Reads a `grpc-timeout`: up to eight digits and a unit (gRPC over HTTP/2).
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_hours(amount)),
        "M" => Some(Duration::from_mins(amount)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = WithDeadline<S>;

    fn layer(&self, inner: S) -> Self::Service {
        WithDeadline { inner, layer: self.clone() }
    }
}

/// A service behind a [`DeadlineLayer`].
#[derive(Clone, Debug)]
pub struct WithDeadline<S> {
    inner: S,
    layer: DeadlineLayer,
}

impl<S, B> Service<Request<B>> for WithDeadline<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let Ok(times) = self.layer.times(&request) else {
            return Box::pin(async { Ok(malformed().into_http()) });
        };
        match times.end {
            Some(end) => request.extensions_mut().insert(end),
            None => request.extensions_mut().remove::<Deadline>(),
        };
        let passed = self.layer.clock.sleep_until(times.answer.0);
        let ended = times.stream_end.map(|end| (end, self.layer.clock.sleep_until(end.0)));
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = tokio::select! {
                // An answer that is there in time counts, even if only just.
                biased;
                answer = answer => answer?,
                () = passed => return Ok(exceeded(times.answer).into_http()),
            };
            Ok(match ended {
                Some((end, passed)) => {
                    answer.map(|body| Body::new(UntilDeadline { body, end, passed, over: false }))
                }
                None => answer,
            })
        })
    }
}

fn malformed() -> Status {
    Refusal::new(Code::InvalidArgument, "TIMEOUT_MALFORMED", "grpc-timeout is malformed").into()
}

fn exceeded(deadline: Deadline) -> Status {
    tracing::info!(deadline = %deadline.0, "deadline exceeded");
    let message = "The deadline passed before the operation ended; it may have taken effect";
    Refusal::new(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", message).into()
}

/// A stream that ends with `DEADLINE_EXCEEDED` when its deadline passes.
struct UntilDeadline {
    body: Body,
    end: Deadline,
    passed: Pin<Box<dyn Future<Output = ()> + Send>>,
    over: bool,
}

impl HttpBody for UntilDeadline {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.over {
            return Poll::Ready(None);
        }
        // First the time: a stream that always has something to say would
        // otherwise outlive it.
        if self.passed.as_mut().poll(cx).is_ready() {
            self.over = true;
            self.body = Body::empty();
            let mut trailers = HeaderMap::new();
            let sent = exceeded(self.end).add_header(&mut trailers);
            return Poll::Ready(sent.ok().map(|()| Ok(Frame::trailers(trailers))));
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.body.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_the_protocol_says() {
        for (text, expected) in [
            ("1H", Some(Duration::from_hours(1))),
            ("2M", Some(Duration::from_mins(2))),
            ("3S", Some(Duration::from_secs(3))),
            ("4m", Some(Duration::from_millis(4))),
            ("5u", Some(Duration::from_micros(5))),
            ("6n", Some(Duration::from_nanos(6))),
            ("0n", Some(Duration::ZERO)),
            ("99999999H", Some(Duration::from_hours(99_999_999))),
            ("999999999S", None),
            ("S", None),
            ("", None),
            ("1", None),
            ("-1S", None),
            ("+1S", None),
            ("1s", None),
            ("1ß", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_said_twice_is_malformed() {
        let mut headers = HeaderMap::new();
        assert!(matches!(asked(&headers), Ok(None)));
        headers.append(HEADER, "1S".parse().unwrap());
        assert!(matches!(asked(&headers), Ok(Some(_))));
        headers.append(HEADER, "1S".parse().unwrap());
        assert!(asked(&headers).is_err());
    }
}
