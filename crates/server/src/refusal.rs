//! Saying no, so that a program can act on it and a person can understand it
//! (AIP-193).

use std::{error::Error, fmt, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The most violations that one refusal names.
const MOST_VIOLATIONS: usize = 16;

/// The `domain` of every `ErrorInfo`.
const DOMAIN: &str = "roster";

/// A refused call: a code, a stable reason and a message that a person can
/// act upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    code: Code,
    reason: &'static str,
    message: String,
    metadata: Vec<(&'static str, String)>,
    violations: Vec<(String, String)>,
    retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal for `reason`, in capitals and underscores.
    #[must_use]
    pub fn new(code: Code, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            metadata: Vec::new(),
            violations: Vec::new(),
            retry_after: None,
        }
    }

    /// A request whose `field` is not acceptable.
    #[must_use]
    pub fn invalid(field: &str, description: impl fmt::Display) -> Self {
        let mut violations = Violations::new();
        violations.add(field, description);
        violations.into_refusal()
    }

    /// A defect, or a failure underneath. The cause goes to the log, and only
    /// there.
    #[must_use]
    pub fn internal(cause: &(dyn Error + 'static)) -> Self {
        tracing::error!(error = cause, "internal error");
        Self::new(Code::Internal, "INTERNAL", "An internal error occurred; it has been logged")
    }

    /// Something that the call needs does not answer right now.
    #[must_use]
    pub fn unavailable(cause: &(dyn Error + 'static)) -> Self {
        tracing::warn!(error = cause, "unavailable");
        Self::new(Code::Unavailable, "UNAVAILABLE", "Temporarily unavailable, try again shortly")
            .retry_after(Duration::from_secs(1))
    }

    /// A method of the contract that is still to be written.
    #[must_use]
    pub fn not_implemented() -> Self {
        Self::new(Code::Unimplemented, "NOT_IMPLEMENTED", "This method is not implemented yet")
    }

    /// Adds a pair to the `metadata` of the `ErrorInfo`.
    #[must_use]
    pub fn with_metadata(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.metadata.push((key, value.into()));
        self
    }

    /// Says which `field` is at fault, without changing code or reason.
    #[must_use]
    pub fn with_violation(mut self, field: &str, description: impl fmt::Display) -> Self {
        self.violations.push((field.to_owned(), description.to_string()));
        self
    }

    /// Says when trying again is worthwhile.
    #[must_use]
    pub const fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// The gRPC code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The stable reason.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.reason
    }

    /// What people are told.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let metadata = refusal.metadata.into_iter().map(|(key, value)| (key.to_owned(), value));
        let mut details = ErrorDetails::new();
        details.set_error_info(
            refusal.reason,
            DOMAIN,
            metadata.collect::<std::collections::HashMap<_, _>>(),
        );
        for (field, description) in refusal.violations {
            details.add_bad_request_violation(field, description);
        }
        if let Some(delay) = refusal.retry_after {
            details.set_retry_info(Some(delay));
        }
        Self::with_error_details(refusal.code, refusal.message, details)
    }
}

/// Collects what is wrong with a request, so that all of it is told at once.
#[derive(Debug, Default)]
pub struct Violations {
    found: Vec<(String, String)>,
}

impl Violations {
    /// Nothing is wrong yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that `field` (a dotted path of the names in the contract) is not
    /// acceptable.
    pub fn add(&mut self, field: &str, description: impl fmt::Display) {
        self.found.push((field.to_owned(), description.to_string()));
    }

    /// The parsed value of `field`, or a note of why there is none.
    pub fn field<T, E: fmt::Display>(&mut self, field: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.inspect_err(|error| self.add(field, error)).ok()
    }

    /// Refuses with `INVALID_ARGUMENT` if anything is wrong.
    pub fn finish(self) -> Result<(), Refusal> {
        if self.found.is_empty() { Ok(()) } else { Err(self.into_refusal()) }
    }

    /// The refusal that names what is wrong: the first few, and how many more
    /// there are. Details travel in headers, which a client bounds, so a
    /// request must not be able to make them grow.
    #[must_use]
    pub fn into_refusal(mut self) -> Refusal {
        let more = self.found.len().saturating_sub(MOST_VIOLATIONS);
        self.found.truncate(MOST_VIOLATIONS);
        let fields: Vec<_> =
            self.found.iter().map(|(field, what)| format!("{field} {what}")).collect();
        let and_more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let message = format!("The request is not valid: {}{and_more}", fields.join("; "));
        Refusal {
            violations: self.found,
            ..Refusal::new(Code::InvalidArgument, "INVALID_ARGUMENT", message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_is_all_wrong_gets_a_bounded_answer() {
        let mut violations = Violations::new();
        for index in 0..1_000 {
            violations.add(&format!("user_ids[{index}]"), "must be a UUID");
        }
        let status = Status::from(violations.into_refusal());
        let details = status.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations.len(), MOST_VIOLATIONS);
        assert!(status.message().ends_with("; and 984 more"), "{}", status.message());
        assert!(status.details().len() < 4_096);
    }
}
