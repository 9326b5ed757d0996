//! One's own account, credentials, and the ledger.

use roster_db::replay::Repetition;
use roster_proto::identity::v1 as pb;
use roster_server::{Refusal, Violations};

use super::{claimed_password, etag, masked, new_password, texts};
use crate::{
    announce,
    domain::{DisplayName, Email, LONGEST_PASSWORD, Password, PasswordPolicy, Role, Username},
    op::{
        Cx, change_password::ChangePassword, create_user::CreateUser,
        list_subject_states::LedgerPage, new_account::NewAccount, update_profile::UpdateProfile,
    },
};

/// What a mask may name.
const MASKABLE: [&str; 2] = ["display_name", "email"];

/// How many states of the ledger are answered unless asked otherwise, and at
/// the most.
const LEDGER_PAGE: (u64, u64) = (500, 1_000);

/// Reads who wants an account: a regular user, whatever else is sent.
pub fn registration(
    request: &pb::RegisterRequest,
    policy: PasswordPolicy,
    repetition: &Repetition<'_>,
) -> Result<CreateUser, Refusal> {
    let mut violations = Violations::new();
    let replay = repetition.key(&mut violations, &request.request_id, request);
    let username = violations.field("username", Username::parse(&request.username));
    let display_name = violations.field("display_name", DisplayName::parse(&request.display_name));
    let email = violations.field("email", Email::parse(&request.email));
    let password = new_password(&mut violations, "password", &request.password, policy);
    let (Some(username), Some(display_name), Some(email), Some(password)) =
        (username, display_name, email, password)
    else {
        return Err(violations.into_refusal());
    };
    violations.finish()?;
    let account = NewAccount {
        username,
        display_name,
        email,
        role: Role::User,
        password_change_required: false,
    };
    Ok(CreateUser { account, password, replay })
}

/// Reads what is to change of one's own account.
pub fn profile_update(
    request: &pb::UpdateProfileRequest,
    repetition: &Repetition<'_>,
) -> Result<UpdateProfile, Refusal> {
    let mut violations = Violations::new();
    let replay = repetition.key(&mut violations, &request.request_id, request);
    let etag = etag(&mut violations, &request.etag);
    let given = texts(&mut violations, request.display_name.as_deref(), request.email.as_deref());
    let changes = masked(&mut violations, given, request.update_mask.as_ref(), &MASKABLE);
    violations.finish()?;
    Ok(UpdateProfile { changes, etag, replay })
}

/// Reads which password is to be replaced by which.
pub fn change_password(
    request: &pb::ChangePasswordRequest,
    policy: PasswordPolicy,
    repetition: &Repetition<'_>,
) -> Result<ChangePassword, Refusal> {
    let mut violations = Violations::new();
    let replay = repetition.key(&mut violations, &request.request_id, request);
    let current = claimed_password(&mut violations, "current_password", &request.current_password);
    let new = new_password(&mut violations, "new_password", &request.new_password, policy);
    let (Some(current), Some(new)) = (current, new) else {
        return Err(violations.into_refusal());
    };
    violations.finish()?;
    Ok(ChangePassword { current, new, revoke_sessions: request.revoke_sessions, replay })
}

/// What clients may know before anybody has signed in.
pub fn settings(cx: &Cx) -> pb::GetSettingsResponse {
    pb::GetSettingsResponse {
        allow_registration: cx.allow_registration,
        password_min_length: i32::try_from(cx.password_policy.min_length).unwrap_or(i32::MAX),
    }
}

/// Reads the credentials to check: their bounds, for whether a text can be a
/// username at all must not show.
pub fn password_claim(request: &pb::VerifyPasswordRequest) -> Result<Password, Refusal> {
    let mut violations = Violations::new();
    if request.username.is_empty() {
        violations.add("username", "must not be empty");
    } else if request.username.len() > LONGEST_PASSWORD {
        violations.add("username", "must have at most 1024 bytes");
    }
    let password = claimed_password(&mut violations, "password", &request.password);
    let Some(password) = password else { return Err(violations.into_refusal()) };
    violations.finish()?;
    Ok(password)
}

/// Reads a place in the ledger, and how much is wanted behind it.
pub fn ledger_place(request: pb::ListSubjectStatesRequest) -> Result<(i64, u64), Refusal> {
    let mut violations = Violations::new();
    if request.after_sequence < 0 {
        violations.add("after_sequence", "must not be negative");
    }
    let (default, most) = LEDGER_PAGE;
    let size = u64::try_from(request.page_size).map_err(|_| "must not be negative");
    let limit = match violations.field("page_size", size) {
        None | Some(0) => default,
        Some(size) => size.min(most),
    };
    violations.finish()?;
    Ok((request.after_sequence, limit))
}

/// A page of the ledger.
pub fn states(page: &LedgerPage) -> pb::ListSubjectStatesResponse {
    pb::ListSubjectStatesResponse {
        states: page.subjects.iter().map(announce::state).collect(),
        last_sequence: page.last_sequence,
        incarnation: page.newest.incarnation,
        head_sequence: page.newest.number,
    }
}
