//! What a form sent, and what is wrong with it.

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum_extra::extract;
use http::{StatusCode, request::Parts};
use serde::de::DeserializeOwned;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::{
    Panel,
    stop::{self, Stop},
};

/// A form that was sent. Fields that a form may lack have a default.
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Panel> for Form<T> {
    type Rejection = Stop;

    async fn from_request(request: Request, panel: &Panel) -> Result<Self, Stop> {
        let form = extract::Form::from_request(request, panel).await;
        form.map(|extract::Form(fields)| Self(fields)).map_err(|_| Stop::Unreadable)
    }
}

/// The query of an address.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Panel> for Query<T> {
    type Rejection = Stop;

    async fn from_request_parts(head: &mut Parts, panel: &Panel) -> Result<Self, Stop> {
        let query = extract::Query::from_request_parts(head, panel).await;
        query.map(|extract::Query(query)| Self(query)).map_err(|_| Stop::Missing)
    }
}

/// The id in an address.
pub struct Id(pub String);

impl FromRequestParts<Panel> for Id {
    type Rejection = Stop;

    async fn from_request_parts(head: &mut Parts, panel: &Panel) -> Result<Self, Stop> {
        let Path(id) =
            Path::<Uuid>::from_request_parts(head, panel).await.map_err(|_| Stop::Missing)?;
        Ok(Self(id.to_string()))
    }
}

/// The name of a field in the contract and in the form, and what people call it.
pub type Label = (&'static str, &'static str);

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The name of the field.
    pub field: &'static str,
    /// What people read.
    pub text: String,
}

/// Why a form is shown again.
#[derive(Clone, Debug, Default)]
pub struct Errors {
    /// By field.
    pub fields: Vec<FieldError>,
    /// What is no field's fault.
    pub general: Option<String>,
    /// Whether the change stands, and only its confirmation is missing: sending the
    /// same again waits for it.
    pub pending: bool,
    /// Whether what is asked is if the spaces at a password's ends are meant.
    pub spaces: bool,
    /// Whether somebody else has changed what the form is about.
    pub outdated: bool,
    status: StatusCode,
}

impl Errors {
    /// One field is at fault.
    pub fn of_field(field: &'static str, text: impl Into<String>) -> Self {
        let fields = vec![FieldError { field, text: text.into() }];
        Self { fields, status: StatusCode::UNPROCESSABLE_ENTITY, ..Self::default() }
    }

    /// Something that the whole form is about.
    pub fn of_form(status: StatusCode, text: impl Into<String>) -> Self {
        Self { general: Some(text.into()), status, ..Self::default() }
    }

    /// Why a call with what the form said failed; what no form can help with is
    /// handed on.
    pub fn of_call(status: Status, labels: &[Label]) -> Result<Self, Stop> {
        let stop = Stop::from(status);
        if let Stop::Failed(status) = &stop {
            return Ok(Self::of_failure(status, labels));
        }
        Err(stop)
    }

    fn of_failure(status: &Status, labels: &[Label]) -> Self {
        let known = |name: &str| labels.iter().find(|(field, _)| *field == name);
        let violations = status.get_details_bad_request().map(|bad| bad.field_violations);
        let fields: Vec<_> = violations
            .unwrap_or_default()
            .into_iter()
            .filter_map(|violation| {
                let (field, label) = known(&violation.field)?;
                Some(FieldError { field, text: format!("{label} {}", violation.description) })
            })
            .collect();
        if !fields.is_empty() {
            return Self { fields, status: StatusCode::UNPROCESSABLE_ENTITY, ..Self::default() };
        }
        let reason = stop::reason(status);
        let message = status.message().to_owned();
        let at = match reason.as_deref() {
            Some("USERNAME_TAKEN" | "USERNAME_CONFUSABLE") => known("username"),
            Some("LAST_ADMIN") => known("is_admin"),
            Some("API_KEY_EXISTS") => known("provider"),
            _ => None,
        };
        if let Some((field, _)) = at {
            return Self { status: stop::http_status(status), ..Self::of_field(field, message) };
        }
        Self {
            pending: reason.as_deref() == Some("EFFECT_PENDING"),
            outdated: reason.as_deref() == Some("ETAG_MISMATCH"),
            ..Self::of_form(stop::http_status(status), in_words(status, reason.as_deref()))
        }
    }

    /// Whether nothing is wrong.
    pub const fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.general.is_none()
    }

    /// What is wrong with a field.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.fields.iter().find(|error| error.field == field).map(|error| error.text.as_str())
    }

    /// The status of the page that shows the form again.
    pub const fn status(&self) -> StatusCode {
        self.status
    }
}

/// What people read about a failure, which may know more than its message does.
fn in_words(status: &Status, reason: Option<&str>) -> String {
    let message = match reason {
        Some("ETAG_MISMATCH") => {
            "Somebody else has changed this in the meantime, so nothing was saved. Load it again to \
             see what it is now."
        }
        Some("EFFECT_PENDING") => {
            "The change is stored, but it is not confirmed yet that it is in effect everywhere. \
             Send the form once more to wait for that; nothing is changed twice."
        }
        Some("REQUEST_ID_REUSED") => {
            "This form was sent before, with other values. Load it again to change more."
        }
        _ => status.message(),
    };
    let busy = matches!(status.code(), Code::ResourceExhausted | Code::Unavailable);
    match stop::wait(status) {
        Some(wait) if busy => format!("{}. Try again in {wait}.", message.trim_end_matches('.')),
        _ => message.to_owned(),
    }
}

/// Whether a form was sent with this box checked.
pub fn is_checked(value: Option<&String>) -> bool {
    value.is_some_and(|value| value == "on")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use roster_server::Refusal;

    use super::*;

    const LABELS: &[Label] = &[("username", "Username"), ("is_admin", "Admin Role")];

    fn errors(refusal: Refusal) -> Errors {
        Errors::of_call(refusal.into(), LABELS).unwrap()
    }

    #[test]
    fn a_violation_is_shown_at_its_field() {
        let found = errors(Refusal::invalid("username", "must have at least 3 characters"));
        assert_eq!(found.of("username"), Some("Username must have at least 3 characters"));
        assert_eq!((found.general.as_deref(), found.status().as_u16()), (None, 422));
    }

    #[test]
    fn a_violation_without_a_field_is_shown_above_the_form() {
        let found = errors(Refusal::invalid("page_token", "is not valid"));
        assert!(found.fields.is_empty());
        assert_eq!(found.general.unwrap(), "The request is not valid: page_token is not valid");
    }

    #[test]
    fn what_is_one_fields_matter_is_shown_there_word_for_word() {
        let taken = Refusal::new(Code::AlreadyExists, "USERNAME_TAKEN", "Username already exists");
        let found = errors(taken);
        assert_eq!(found.of("username"), Some("Username already exists"));
        assert_eq!(found.status(), StatusCode::CONFLICT);
    }

    #[test]
    fn a_change_that_is_not_confirmed_is_no_failure() {
        let found = errors(Refusal::new(Code::Unavailable, "EFFECT_PENDING", "wait"));
        assert!(found.pending && found.general.unwrap().contains("stored"));
    }

    #[test]
    fn the_time_to_wait_is_said() {
        let throttled = Refusal::new(Code::ResourceExhausted, "LOGIN_THROTTLED", "Too often")
            .retry_after(Duration::from_secs(30));
        assert_eq!(errors(throttled).general.unwrap(), "Too often. Try again in 30 seconds.");
    }

    #[test]
    fn what_no_form_can_help_with_is_handed_on() {
        let status = Refusal::new(Code::Unauthenticated, "TOKEN_INVALID", "no").into();
        assert!(matches!(Errors::of_call(status, LABELS), Err(Stop::SignIn)));
        let status = Refusal::new(Code::PermissionDenied, "ADMIN_REQUIRED", "no").into();
        assert!(matches!(Errors::of_call(status, LABELS), Err(Stop::AdminRequired)));
    }
}
