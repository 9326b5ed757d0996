//! What an answer may be.

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// Panics unless the refusal is one that Roster gives on purpose: with a
/// reason, and not because of a defect.
#[track_caller]
pub fn deliberate(refusal: &Status) {
    let defect = matches!(refusal.code(), Code::Internal | Code::Unknown | Code::DataLoss);
    assert!(!defect, "a defect: {refusal:?}");
    let details = refusal.get_error_details();
    let reason = details.error_info().map(|info| (info.domain.as_str(), info.reason.as_str()));
    let Some(("roster", reason)) = reason else { panic!("no reason: {refusal:?}") };
    assert!(!reason.is_empty(), "no reason: {refusal:?}");
}

/// Panics unless the refusal is about these fields of the request, and about
/// no others.
#[track_caller]
pub fn only_about(refusal: &Status, fields: &[&str]) {
    deliberate(refusal);
    assert_eq!(refusal.code(), Code::InvalidArgument, "{refusal:?}");
    let details = refusal.get_error_details();
    let named = details.bad_request().map(|bad| &bad.field_violations);
    let named = named.expect("what is invalid is named");
    assert!(!named.is_empty(), "nothing is named: {refusal:?}");
    for violation in named {
        assert!(fields.contains(&violation.field.as_str()), "{violation:?}");
    }
}
