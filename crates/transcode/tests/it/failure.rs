//! What a failure becomes.

use std::time::Duration;

use http::StatusCode;
use roster_transcode::Failure;
use serde_json::{Value as Json, json};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

fn body(failure: &Failure) -> Json {
    serde_json::from_slice(&failure.clone().into_body()).unwrap()
}

#[test]
fn a_failure_has_the_same_reasons_and_details() {
    let mut details = ErrorDetails::new();
    details.set_error_info("LAST_ADMIN", "roster", [("user".to_owned(), "u".to_owned())]);
    details.add_bad_request_violation("user.name", "is \"odd\"");
    details.set_retry_info(Some(Duration::from_millis(1500)));
    let status =
        Status::with_error_details(Code::FailedPrecondition, "The last administrator", details);
    let failure = Failure::from(&status);
    assert_eq!(failure.status, 400);
    assert_eq!(failure.retry_after, Some(Duration::from_millis(1500)));
    let Json::Object(mut whole) = body(&failure) else { panic!("an object") };
    let mut error = whole.remove("error").unwrap();
    let mut details: Vec<_> = error["details"].as_array_mut().unwrap().drain(..).collect();
    details.sort_by_key(|detail| detail["@type"].as_str().unwrap().to_owned());
    assert_eq!(
        error,
        json!({
            "code": 400,
            "message": "The last administrator",
            "status": "FAILED_PRECONDITION",
            "details": [],
        })
    );
    assert_eq!(
        details,
        [
            json!({
                "@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": [{ "field": "user.name", "description": "is \"odd\"" }],
            }),
            json!({
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "LAST_ADMIN",
                "domain": "roster",
                "metadata": { "user": "u" },
            }),
            json!({
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": "1.500s",
            }),
        ]
    );
}

#[test]
fn every_code_has_a_status_and_a_name() {
    for (code, status, name) in [
        (Code::Cancelled, 499, "CANCELLED"),
        (Code::Unknown, 500, "UNKNOWN"),
        (Code::InvalidArgument, 400, "INVALID_ARGUMENT"),
        (Code::DeadlineExceeded, 504, "DEADLINE_EXCEEDED"),
        (Code::NotFound, 404, "NOT_FOUND"),
        (Code::AlreadyExists, 409, "ALREADY_EXISTS"),
        (Code::PermissionDenied, 403, "PERMISSION_DENIED"),
        (Code::ResourceExhausted, 429, "RESOURCE_EXHAUSTED"),
        (Code::FailedPrecondition, 400, "FAILED_PRECONDITION"),
        (Code::Aborted, 409, "ABORTED"),
        (Code::OutOfRange, 400, "OUT_OF_RANGE"),
        (Code::Unimplemented, 501, "UNIMPLEMENTED"),
        (Code::Internal, 500, "INTERNAL"),
        (Code::Unavailable, 503, "UNAVAILABLE"),
        (Code::DataLoss, 500, "DATA_LOSS"),
        (Code::Unauthenticated, 401, "UNAUTHENTICATED"),
    ] {
        let failure = Failure::from(&Status::new(code, "no"));
        assert_eq!(failure.status, status, "{code:?}");
        assert_eq!(body(&failure)["error"]["code"], status, "{code:?}");
        assert_eq!(body(&failure)["error"]["status"], name, "{code:?}");
        assert_eq!(failure.retry_after, None);
    }
}

#[test]
fn a_status_that_says_more_stands_for_the_codes_own() {
    let failure = Failure::from(&Status::resource_exhausted("large"));
    let failure = failure.with_status(StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(failure.status, 413);
    assert_eq!(body(&failure)["error"]["code"], 413);
    assert_eq!(body(&failure)["error"]["status"], "RESOURCE_EXHAUSTED");
}

#[test]
fn details_that_are_none_are_left_out() {
    for garbage in [b"\xff\xff".as_slice(), b"\x1a\x03\x0a\x01x", b""] {
        let status = Status::with_details(Code::Internal, "no", garbage.into());
        assert_eq!(body(&Failure::from(&status))["error"]["details"], json!([]), "{garbage:?}");
    }
}
