//! Giving up when nobody waits for the answer any more.
//!
//! The server underneath does not enforce `grpc-timeout` for calls within the
//! process, so this layer does, in front of every service.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use roster_kernel::{Clock, Deadline, Timestamp};
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::Refusal;

const HEADER: &str = "grpc-timeout";

/// How long calls may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimits {
    /// For callers that do not say how long they wait.
    pub default: Duration,
    /// However long callers say they wait.
    pub longest: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self { default: Duration::from_secs(10), longest: Duration::from_mins(1) }
    }
}

/// Attaches the [`Deadline`] to each request and answers `DEADLINE_EXCEEDED`
/// when it passes.
#[derive(Clone, Debug)]
pub struct DeadlineLayer {
    clock: Arc<dyn Clock>,
    limits: TimeLimits,
}

impl DeadlineLayer {
    /// Deadlines by `clock`.
    #[must_use]
    pub const fn new(clock: Arc<dyn Clock>, limits: TimeLimits) -> Self {
        Self { clock, limits }
    }

    /// The deadline of a request that arrives now: what its headers say, but
    /// never later than one that it already carries.
    fn deadline(&self, headers: &HeaderMap, carried: Option<Deadline>) -> Option<Deadline> {
        let asked = match headers.get(HEADER) {
            None => self.limits.default,
            Some(value) => parse(value.to_str().ok()?)?,
        };
        let wait = TimeDelta::from_std(asked.min(self.limits.longest)).ok()?;
        let own = Deadline(self.clock.now() + wait);
        Some(carried.map_or(own, |carried| carried.min(own)))
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
        "H" => Some(Duration::from_secs(amount * 3_600)),
        "M" => Some(Duration::from_secs(amount * 60)),
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

impl<S, B, R> Service<http::Request<B>> for WithDeadline<S>
where
    S: Service<http::Request<B>, Response = http::Response<R>>,
    S::Future: Send + 'static,
    R: Default,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let carried = request.extensions().get::<Deadline>().copied();
        let Some(deadline) = self.layer.deadline(request.headers(), carried) else {
            return Box::pin(async { Ok(malformed().into_http()) });
        };
        request.extensions_mut().insert(deadline);
        let passed = self.layer.clock.sleep_until(deadline.0);
        let answer = self.inner.call(request);
        Box::pin(async move {
            tokio::select! {
                // An answer that is there in time counts, even if only just.
                biased;
                answer = answer => answer,
                () = passed => Ok(exceeded(deadline.0).into_http()),
            }
        })
    }
}

fn malformed() -> Status {
    Refusal::new(Code::InvalidArgument, "TIMEOUT_MALFORMED", "grpc-timeout is malformed").into()
}

fn exceeded(at: Timestamp) -> Status {
    tracing::info!(deadline = %at, "deadline exceeded");
    let message = "The deadline passed before the operation ended; it may have taken effect";
    Refusal::new(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_the_protocol_says() {
        for (text, expected) in [
            ("1H", Some(Duration::from_secs(3_600))),
            ("2M", Some(Duration::from_secs(120))),
            ("3S", Some(Duration::from_secs(3))),
            ("4m", Some(Duration::from_millis(4))),
            ("5u", Some(Duration::from_micros(5))),
            ("6n", Some(Duration::from_nanos(6))),
            ("99999999S", Some(Duration::from_secs(99_999_999))),
            ("999999999S", None),
            ("S", None),
            ("", None),
            ("1", None),
            ("-1S", None),
            ("1s", None),
            ("1ß", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }
}
