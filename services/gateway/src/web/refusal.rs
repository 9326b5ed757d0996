//! Saying no over HTTP.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use roster_server::Refusal;
use roster_transcode::Failure;
use tonic::Status;
use tonic_types::StatusExt as _;

use crate::Error;

/// An answer that is a refusal.
#[derive(Debug)]
pub struct Refused(Box<Response>);

impl Refused {
    /// This answer.
    pub fn new(answer: Response) -> Self {
        Self(Box::new(answer))
    }

    /// The answer.
    pub fn into_answer(self) -> Response {
        *self.0
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::new(of(error))
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::new(failed(&refusal.into()))
    }
}

/// What a refusal of the edge itself becomes.
pub fn of(error: Error) -> Response {
    failed(&Status::from(error))
}

/// What a call that failed becomes.
pub fn failed(status: &Status) -> Response {
    let reason = status.get_details_error_info().map(|info| info.reason);
    match reason.as_deref().and_then(closer) {
        Some(closer) => with_status(status, closer),
        None => answer(Failure::from(status)),
    }
}

/// The same, with a status of HTTP that says more than the code does.
pub fn with_status(status: &Status, closer: StatusCode) -> Response {
    answer(Failure::from(status).with_status(closer))
}

/// Whether a call failed for this reason.
pub fn has_reason(status: &Status, reason: &str) -> bool {
    status.get_details_error_info().is_some_and(|info| info.reason == reason)
}

/// HTTP has a status of its own for what gRPC has only a wider one for.
fn closer(reason: &str) -> Option<StatusCode> {
    match reason {
        "METHOD_NOT_ALLOWED" => Some(StatusCode::METHOD_NOT_ALLOWED),
        "MEDIA_TYPE_UNSUPPORTED" => Some(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        "MESSAGE_TOO_LARGE" => Some(StatusCode::PAYLOAD_TOO_LARGE),
        "PRECONDITION_FAILED" => Some(StatusCode::PRECONDITION_FAILED),
        "REQUEST_INCOMPLETE" => Some(StatusCode::REQUEST_TIMEOUT),
        _ => None,
    }
}

fn answer(failure: Failure) -> Response {
    let (status, retry) = (failure.status, failure.retry_after);
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    let mut answer = (status, json, Body::from(failure.into_body())).into_response();
    let headers = answer.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        // RFC 9110, 11.6.1.
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(delay) = retry {
        // In whole seconds, and never sooner than asked for.
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}
