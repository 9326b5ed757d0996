//! What went wrong, as HTTP and JSON say it (AIP-193, "HTTP/1.1+JSON
//! representation").

use std::{sync::LazyLock, time::Duration};

use http::StatusCode;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Value as Json, json};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::code::CODES;

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

/// The status of HTTP and the name that a code has.
fn meaning(code: Code) -> (StatusCode, &'static str) {
    let (name, status) = CODES[code as usize];
    (StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), name)
}
