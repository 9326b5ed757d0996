//! Bounds what a client can make a service hold in memory.

use std::task::{Context, Poll};

use axum::{BoxError, body::Body};
use http::Request;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::Refusal;

/// What gRPC puts in front of a message: a flag and the message's length.
const FRAMING: usize = 5;

/// Refuses requests whose message is too large with `RESOURCE_EXHAUSTED`, as
/// soon as its bytes have come too far: what the message claims about its
/// length, and whether it claims anything at all, does not matter.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimitLayer {
    bytes: usize,
}

impl BodyLimitLayer {
    /// Requests of one message of at most `bytes` bytes, as sent.
    #[must_use]
    pub const fn of_message(bytes: usize) -> Self {
        Self { bytes: bytes.saturating_add(FRAMING) }
    }
}

impl<S> Layer<S> for BodyLimitLayer {
    type Service = WithBodyLimit<S>;

    fn layer(&self, inner: S) -> Self::Service {
        WithBodyLimit { inner, bytes: self.bytes }
    }
}

/// A service behind a [`BodyLimitLayer`].
#[derive(Clone, Copy, Debug)]
pub struct WithBodyLimit<S> {
    inner: S,
    bytes: usize,
}

impl<S: Service<Request<Body>>> Service<Request<Body>> for WithBodyLimit<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let limited = |body| Limited::new(body, self.bytes).map_err(refused);
        self.inner.call(request.map(|body| Body::new(limited(body))))
    }
}

/// What reading the body fails with: for a body that is too large a status,
/// which the gRPC server hands on to the client.
fn refused(error: BoxError) -> BoxError {
    if !error.is::<LengthLimitError>() {
        return error;
    }
    Box::new(Status::from(too_large()))
}

/// The refusal of a message that is too large.
pub fn too_large() -> Refusal {
    let message = "The request is larger than this server accepts; send less at once";
    Refusal::new(Code::ResourceExhausted, "MESSAGE_TOO_LARGE", message)
}
