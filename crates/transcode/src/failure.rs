//! What went wrong, as HTTP and JSON say it (AIP-193, "HTTP/1.1+JSON
//! representation").

use std::{sync::LazyLock, time::Duration};

use http::StatusCode;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Value as Json, json};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// The messages that details of a status are.
static DETAILS: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(tonic_types::pb::FILE_DESCRIPTOR_SET).unwrap_or_default()
});

/// A call that failed, to whoever called over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The status of the response.
    pub status: StatusCode,
    /// When to try again, where there is a point in it: the header `Retry-After`.
    pub retry_after: Option<Duration>,
    error: Json,
}

impl Failure {
    /// The same failure, with a status of HTTP that says more than its code does.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self.error["code"] = status.as_u16().into();
        self
    }

    /// As the body of a response.
    #[must_use]
    pub fn into_body(self) -> Vec<u8> {
        self.into_json().to_string().into_bytes()
    }

    /// As a part of something else.
    #[must_use]
    pub fn into_json(self) -> Json {
        json!({ "error": self.error })
    }
}

impl From<&Status> for Failure {
    fn from(failed: &Status) -> Self {
        let (status, name) = meaning(failed.code());
        let retry = failed.get_details_retry_info().and_then(|retry| retry.retry_delay);
        let error = json!({
            "code": status.as_u16(),
            "message": failed.message(),
            "status": name,
            "details": details(failed.details()),
        });
        Self { status, retry_after: retry, error }
    }
}

/// The details of a status; those of types that are not known are left out.
fn details(encoded: &[u8]) -> Vec<Json> {
    let descriptor = DETAILS.get_message_by_name("google.rpc.Status");
    let Some(Ok(status)) = descriptor.map(|it| DynamicMessage::decode(it, encoded)) else {
        return Vec::new();
    };
    let details = status.get_field_by_name("details");
    let all = details.iter().filter_map(|list| list.as_list()).flatten();
    all.filter_map(|detail| serde_json::to_value(detail.as_message()?).ok()).collect()
}

/// The status of HTTP and the name that a code has
/// (<https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto>).
fn meaning(code: Code) -> (StatusCode, &'static str) {
    // What a client has given up hears nothing; for those who look in between.
    let closed = StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST);
    match code {
        Code::Ok => (StatusCode::OK, "OK"),
        Code::Cancelled => (closed, "CANCELLED"),
        Code::Unknown => (StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN"),
        Code::InvalidArgument => (StatusCode::BAD_REQUEST, "INVALID_ARGUMENT"),
        Code::DeadlineExceeded => (StatusCode::GATEWAY_TIMEOUT, "DEADLINE_EXCEEDED"),
        Code::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
        Code::AlreadyExists => (StatusCode::CONFLICT, "ALREADY_EXISTS"),
        Code::PermissionDenied => (StatusCode::FORBIDDEN, "PERMISSION_DENIED"),
        Code::ResourceExhausted => (StatusCode::TOO_MANY_REQUESTS, "RESOURCE_EXHAUSTED"),
        Code::FailedPrecondition => (StatusCode::BAD_REQUEST, "FAILED_PRECONDITION"),
        Code::Aborted => (StatusCode::CONFLICT, "ABORTED"),
        Code::OutOfRange => (StatusCode::BAD_REQUEST, "OUT_OF_RANGE"),
        Code::Unimplemented => (StatusCode::NOT_IMPLEMENTED, "UNIMPLEMENTED"),
        Code::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"),
        Code::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
        Code::DataLoss => (StatusCode::INTERNAL_SERVER_ERROR, "DATA_LOSS"),
        Code::Unauthenticated => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
    }
}
