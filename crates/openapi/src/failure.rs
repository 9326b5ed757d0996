//! How a call fails.

use http::{Method, StatusCode};
use roster_transcode::http_status;
use serde_json::{Value as Json, json};

use crate::access::Level;

/// The name of the schema of what a call that failed is answered with.
pub const SCHEMA: &str = "Error";

/// The status of what is refused before anything of it is understood.
pub const HEAD_TOO_LARGE: u16 = 431;

/// What a call may be answered with instead of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The status of HTTP.
    pub status: u16,
    /// When it is.
    pub description: String,
    /// Whether that is true of any call.
    pub is_general: bool,
}

impl Failure {
    fn general(status: u16, description: &str) -> Self {
        Self { status, description: description.to_owned(), is_general: true }
    }

    /// The name of what is said of any call that fails like this.
    pub fn name(&self) -> String {
        name(self.status).replace(' ', "")
    }
}

/// What of a request decides how it may fail.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// Who may call.
    pub level: Level,
    /// The HTTP method.
    pub verb: &'a Method,
    /// Whether there is a body.
    pub has_body: bool,
    /// Whether a version can be asked for.
    pub has_version: bool,
}

/// How a call may fail: as the comment of its method says (`errors`), and as any
/// call may.
pub fn all(errors: &str, circumstances: &Circumstances<'_>) -> Vec<Failure> {
    let mut failures = said(errors);
    for (status, description) in general(circumstances) {
        match failures.iter_mut().find(|it| it.status == status) {
            // What is said about the method says more than what is true of any.
            Some(said) if said.description != name_of(status) => {}
            Some(said) => *said = Failure::general(status, description),
            None => failures.push(Failure::general(status, description)),
        }
    }
    failures.sort_by_key(|it| it.status);
    failures
}

/// What a comment says: `CODE, reason REASON, when; CODE; …`, each clause about the
/// code that it begins with, or as the one before.
fn said(errors: &str) -> Vec<Failure> {
    let mut failures: Vec<Failure> = Vec::new();
    let mut last = None;
    for clause in errors.trim_end_matches('.').split(';').map(str::trim) {
        let code = clause.split([',', ' ', ':']).next().unwrap_or_default();
        let Some(status) = http_status(code).or(last) else { continue };
        last = Some(status);
        if let Some(known) = failures.iter_mut().find(|it| it.status == status) {
            known.description.extend(["; ", clause]);
        } else {
            let description = clause.to_owned();
            failures.push(Failure { status, description, is_general: false });
        }
    }
    failures
}

/// A description that says nothing but which code it is about.
fn name_of(status: u16) -> &'static str {
    if status == 400 { "INVALID_ARGUMENT" } else { "" }
}

/// How any call may fail.
fn general(of: &Circumstances<'_>) -> impl Iterator<Item = (u16, &'static str)> {
    let signed_in = of.level != Level::Public;
    // A browser that sends a cookie has to say where it was made to.
    let is_judged = signed_in || of.verb != Method::GET;
    [
        (
            true,
            400,
            "INVALID_ARGUMENT: something is malformed or unknown; `details` name the field",
        ),
        (signed_in, 401, "UNAUTHENTICATED: no token, or one that is not valid any more"),
        (is_judged, 403, "PERMISSION_DENIED: not for this caller; `reason` says why"),
        (of.has_body, 408, "DEADLINE_EXCEEDED: the body did not arrive in time"),
        (of.has_version, 412, "ABORTED: `If-Match` names another version than there is"),
        (of.has_body, 413, "The body is too large"),
        (of.has_body, 415, "The body is no `application/json`"),
        (true, HEAD_TOO_LARGE, "Path, query and headers are too long; there is no body to say so"),
        (true, 429, "RESOURCE_EXHAUSTED: too much at once; `Retry-After` says when to try again"),
        (true, 500, "INTERNAL: a defect"),
        (true, 503, "UNAVAILABLE: something does not answer at the moment"),
        (true, 504, "DEADLINE_EXCEEDED: it took too long, and may have been done nevertheless"),
    ]
    .into_iter()
    .filter_map(|(applies, status, description)| applies.then_some((status, description)))
}

/// The name of a status.
pub fn name(status: u16) -> &'static str {
    let status = StatusCode::from_u16(status).ok();
    status.and_then(|it| it.canonical_reason()).unwrap_or_default()
}

/// The schema of what is answered (AIP-193).
pub fn schema() -> Json {
    json!({
        "title": SCHEMA,
        "description": "Why a call failed (AIP-193).",
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "status", "details"],
                "properties": {
                    "code": {
                        "type": "integer",
                        "description": "The status of HTTP.",
                        "minimum": 400,
                        "maximum": 599,
                    },
                    "message": { "type": "string", "description": "What to tell a person." },
                    "status": {
                        "type": "string",
                        "description": "The code of gRPC, such as `NOT_FOUND`.",
                    },
                    "details": {
                        "type": "array",
                        "description": "Messages of `google.rpc`: an `ErrorInfo` with the \
                            `reason`, a `BadRequest` with `fieldViolations`, a `RetryInfo`.",
                        "items": {
                            "type": "object",
                            "required": ["@type"],
                            "properties": { "@type": { "type": "string" } },
                        },
                    },
                },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_says_how_a_method_fails() {
        let errors = "INVALID_ARGUMENT; NOT_FOUND, reason GONE; ABORTED, reason OLD: again; \
                      the same call waits; ALREADY_EXISTS, reason TAKEN.";
        let verb = Method::POST;
        let with =
            Circumstances { level: Level::Public, verb: &verb, has_body: false, has_version: true };
        let failures = all(errors, &with);
        let found = |status| failures.iter().find(|it| it.status == status);
        assert_eq!(found(404).unwrap().description, "NOT_FOUND, reason GONE");
        assert_eq!(
            found(409).unwrap().description,
            "ABORTED, reason OLD: again; the same call waits; ALREADY_EXISTS, reason TAKEN"
        );
        assert!(found(400).unwrap().description.contains("details"), "{failures:?}");
        assert!(
            found(401).is_none()
                && found(413).is_none()
                && found(412).is_some()
                && found(500).is_some()
        );
        assert!(failures.is_sorted_by_key(|it| it.status));
    }

    #[test]
    fn who_calls_and_what_is_sent_decides() {
        let verb = Method::GET;
        let statuses = |level, has_body| {
            let with = Circumstances { level, verb: &verb, has_body, has_version: false };
            all("", &with).iter().map(|it| it.status).collect::<Vec<_>>()
        };
        assert_eq!(statuses(Level::Public, false), [400, 429, 431, 500, 503, 504]);
        assert_eq!(
            statuses(Level::Admin, true),
            [400, 401, 403, 408, 413, 415, 429, 431, 500, 503, 504]
        );
    }
}
