//! Reads a request whole before anything is done about it: a client whose
//! bytes do not come keeps no place from others, and does so only for a time.

use std::time::Duration;

use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody as _},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;
use roster_kernel::Env;
use tonic::Status;

use super::routing::Routed;
use crate::Error;

/// How long requests are waited for.
#[derive(Clone, Debug)]
pub struct Patience {
    /// The time.
    pub env: Env,
    /// From a request's headers to its last byte.
    pub period: Duration,
}

/// Reads the request of a method that takes one message. What comes behind
/// the message, such as trailers, goes no further.
pub async fn layer(State(patience): State<Patience>, request: Request, next: Next) -> Response {
    let several =
        request.extensions().get::<Routed>().is_none_or(|it| it.0.access.streams.requests);
    if several {
        return next.run(request).await;
    }
    let (head, body) = request.into_parts();
    let read = tokio::select! {
        read = whole(body) => read,
        () = patience.env.sleep(patience.period) => Err(Error::RequestIncomplete),
    };
    match read {
        Ok(bytes) => next.run(Request::from_parts(head, Body::from(bytes))).await,
        Err(error) => error.into_response(),
    }
}

/// All bytes of a body, in one piece: many small ones would take more memory
/// for their bookkeeping than for themselves.
async fn whole(mut body: Body) -> Result<Bytes, Error> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Error::Unreadable(Box::new(status(error))))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.is_empty() && body.is_end_stream() {
            return Ok(data);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

/// What reading fails with: a refusal of what was sent, or the end of the
/// client.
fn status(error: axum::Error) -> Status {
    let error: BoxError = error.into_inner();
    Status::try_from_error(error).unwrap_or_else(|_| Status::cancelled("The request broke off"))
}
