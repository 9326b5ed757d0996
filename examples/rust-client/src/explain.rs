//! What a refusal says.

use std::fmt::Write as _;

use tonic::Status;
use tonic_types::StatusExt as _;

/// A refusal in words: the message is for people; the reason, which stays the
/// same in later versions, is what a program decides by.
#[must_use]
pub fn explain(status: &Status) -> String {
    let details = status.get_error_details();
    let mut text = format!("{:?}: {}", status.code(), status.message());
    if let Some(info) = details.error_info() {
        let _ = write!(text, "\n  reason {} ({})", info.reason, info.domain);
        for (key, value) in &info.metadata {
            let _ = write!(text, "\n  {key} {value}");
        }
    }
    for violation in details.bad_request().iter().flat_map(|it| &it.field_violations) {
        let _ = write!(text, "\n  {} {}", violation.field, violation.description);
    }
    if let Some(delay) = details.retry_info().and_then(|retry| retry.retry_delay) {
        let _ = write!(text, "\n  try again in {} s", delay.as_secs_f32());
    }
    text
}
