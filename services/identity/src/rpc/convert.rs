//! Between messages and domain values.

mod account;
mod api_key;
mod deletion;
mod export;
mod machine_token;
mod statistics;
mod user;

pub use account::{
    change_password, ledger_place, password_claim, profile_update, registration, settings, states,
};
pub use api_key::{
    api_key, api_keys, create_api_key, create_system, delete_api_key, delete_system, list_api_keys,
    resolve_api_key, resolved, update_api_key, update_system,
};
pub use deletion::{deletable, deletion, deletion_id, list_deletions, plan, retry_deletion};
pub use export::{export_user_data, part};
pub use machine_token::{
    authenticated_machine, issue_machine_token, list_machine_tokens, machine_token,
    revoke_machine_token, shown_token,
};
pub use statistics::{days, statistics};
pub use user::{
    batch, create_user, delete_user, list_users, set_disabled, update_user, user, user_id,
    user_with, users,
};

use prost_types::FieldMask;
use roster_kernel::{PageSize, Timestamp};
use roster_proto::time;
use roster_server::Violations;

use crate::domain::{DisplayName, Email, PageRequest, Password, PasswordPolicy, UserChanges};

/// The most bytes of a page token.
const MOST_PAGE_TOKEN_BYTES: usize = 1_024;

/// The most bytes of an etag.
const MOST_ETAG_BYTES: usize = 100;

fn page(violations: &mut Violations, size: i32, token: &str) -> PageRequest {
    if token.len() > MOST_PAGE_TOKEN_BYTES {
        violations.add("page_token", "must have at most 1024 bytes");
    }
    let size = violations.field("page_size", PageSize::parse(size)).unwrap_or_default();
    PageRequest { size, token: token.to_owned() }
}

fn etag(violations: &mut Violations, etag: &str) -> String {
    if etag.len() > MOST_ETAG_BYTES {
        violations.add("etag", "must have at most 100 bytes");
    }
    etag.to_owned()
}

fn moment(
    violations: &mut Violations,
    field: &str,
    at: Option<prost_types::Timestamp>,
) -> Option<Timestamp> {
    let at = time::from_proto(at?).ok_or("must be a time between the years 1 and 9999");
    violations.field(field, at)
}

fn new_password(
    violations: &mut Violations,
    field: &str,
    text: &str,
    policy: PasswordPolicy,
) -> Option<Password> {
    violations.field(field, policy.accept(text.to_owned()))
}

fn claimed_password(violations: &mut Violations, field: &str, text: &str) -> Option<Password> {
    violations.field(field, Password::claimed(text.to_owned()))
}

/// The texts that a request sets, whether a mask names them or not: what is
/// sent must be well-formed.
fn texts(
    violations: &mut Violations,
    display_name: Option<&str>,
    email: Option<&str>,
) -> UserChanges {
    UserChanges {
        display_name: display_name
            .and_then(|text| violations.field("display_name", DisplayName::parse(text))),
        email: email.and_then(|text| violations.field("email", Email::parse(text))),
        ..UserChanges::default()
    }
}

/// What a mask selects of the values that are given; a field that it names
/// and that is not given is cleared. A mask that names nothing is one that was
/// not given.
fn masked(
    violations: &mut Violations,
    given: UserChanges,
    mask: Option<&FieldMask>,
    maskable: &[&str],
) -> UserChanges {
    let Some(mask) = mask.filter(|mask| !mask.paths.is_empty()) else { return given };
    let names = |field: &str| mask.paths.iter().any(|path| path == field);
    if !mask.paths.iter().all(|path| maskable.contains(&path.as_str())) {
        // Said once however many paths are wrong: a refusal does not grow
        // with the request.
        let what = format!("may name {}, and nothing else", maskable.join(", "));
        violations.add("update_mask", what);
    }
    if names("display_name") && given.display_name.is_none() {
        violations.add("display_name", "must be set: it cannot be cleared");
    }
    let flag = |field, given: Option<bool>| names(field).then(|| given.unwrap_or_default());
    UserChanges {
        display_name: given.display_name.filter(|_| names("display_name")),
        email: names("email").then(|| given.email.unwrap_or_default()),
        is_admin: flag("is_admin", given.is_admin),
        password_change_required: flag("password_change_required", given.password_change_required),
    }
}
