//! Users, and what is asked about them.

use roster_db::replay::Repetition;
use roster_kernel::UserId;
use roster_proto::{identity::v1 as pb, time};
use roster_server::{Refusal, Violations};

use super::{etag, masked, moment, new_password, page, texts};
use crate::{
    domain::{
        DisplayName, Email, PageRequest, PasswordPolicy, Role, User, UserChanges, UserFilter,
        UserOrder, UserStatistics, Username,
    },
    op::{
        create_user::CreateUser, delete_user::DeleteUser, list_users::UserPage,
        new_account::NewAccount, set_disabled::SetDisabled, update_user::UpdateUser,
    },
};

/// The most users that one call names.
const MOST_USERS: usize = 1_000;

/// The most characters of a searched text.
const MOST_QUERY_CHARACTERS: usize = 100;

/// What a mask may name.
const MASKABLE: [&str; 4] = ["display_name", "email", "is_admin", "password_change_required"];

/// A user as readers see them.
pub fn user(user: &User) -> pb::User {
    pb::User {
        user_id: user.id().to_string(),
        is_admin: user.is_admin(),
        disabled: user.is_disabled(),
        password_change_required: user.subject.password_change_required,
        username: user.username.to_string(),
        display_name: user.display_name.as_str().to_owned(),
        email: user.email.as_str().to_owned(),
        create_time: Some(time::to_proto(user.created_at)),
        update_time: Some(time::to_proto(user.updated_at)),
        last_login_time: user.last_login_at.map(time::to_proto),
        etag: user.etag.to_string(),
        statistics: None,
    }
}

/// A user with what the services keep for them.
pub fn user_with(user: &User, statistics: UserStatistics) -> pb::User {
    let statistics = pb::UserStatistics {
        persona_count: statistics.personas,
        active_session_count: statistics.sessions,
        api_key_count: statistics.api_keys,
    };
    pb::User { statistics: Some(statistics), ..self::user(user) }
}

/// A page of users.
pub fn users(page: UserPage) -> pb::ListUsersResponse {
    let statistics = page.statistics;
    let users = page.users.into_iter().map(|user| {
        let known = statistics.get(&user.id()).copied().unwrap_or_default();
        user_with(&user, known)
    });
    pb::ListUsersResponse { users: users.collect(), next_page_token: page.next_page_token }
}

/// Reads which user is asked for.
pub fn user_id(text: &str) -> Result<UserId, Refusal> {
    UserId::parse(text).map_err(|error| Refusal::invalid("user_id", error))
}

/// Reads which users are asked for, each once.
pub fn batch(request: &pb::BatchGetUsersRequest) -> Result<Vec<UserId>, Refusal> {
    let texts = &request.user_ids;
    let mut violations = Violations::new();
    if !(1..=MOST_USERS).contains(&texts.len()) {
        violations.add("user_ids", "must hold 1 to 1,000 ids");
    }
    let mut users: Vec<_> = texts
        .iter()
        .take(MOST_USERS)
        .enumerate()
        .filter_map(|(index, text)| {
            violations.field(&format!("user_ids[{index}]"), UserId::parse(text))
        })
        .collect();
    violations.finish()?;
    users.sort_unstable();
    users.dedup();
    Ok(users)
}

/// Reads which users a list is to show.
pub fn list_users(
    request: &pb::ListUsersRequest,
) -> Result<(UserFilter, UserOrder, PageRequest), Refusal> {
    let mut violations = Violations::new();
    if request.query.chars().count() > MOST_QUERY_CHARACTERS {
        violations.add("query", "must have at most 100 characters");
    } else if request.query.contains('\0') {
        violations.add("query", "must not contain U+0000");
    }
    let order = violations.field("order_by", request.order_by.parse()).unwrap_or_default();
    let page = page(&mut violations, request.page_size, &request.page_token);
    let mut time = |field, at| moment(&mut violations, field, at);
    let filter = UserFilter {
        text: (!request.query.is_empty()).then(|| request.query.clone()),
        is_admin: request.is_admin,
        disabled: request.disabled,
        never_signed_in: request.never_signed_in,
        created_from: time("create_time_from", request.create_time_from),
        created_before: time("create_time_before", request.create_time_before),
        signed_in_from: time("last_login_time_from", request.last_login_time_from),
        signed_in_before: time("last_login_time_before", request.last_login_time_before),
    };
    violations.finish()?;
    Ok((filter, order, page))
}

/// Reads who a new user is.
pub fn create_user(
    request: &pb::CreateUserRequest,
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
        role: Role::of(request.is_admin),
        password_change_required: request.password_change_required,
    };
    Ok(CreateUser { account, password, replay })
}

/// Reads what is to change of a user.
pub fn update_user(
    request: &pb::UpdateUserRequest,
    policy: PasswordPolicy,
    repetition: &Repetition<'_>,
) -> Result<UpdateUser, Refusal> {
    let mut violations = Violations::new();
    let replay = repetition.key(&mut violations, &request.request_id, request);
    let user_id = violations.field("user_id", UserId::parse(&request.user_id));
    let etag = etag(&mut violations, &request.etag);
    let given = UserChanges {
        is_admin: request.is_admin,
        password_change_required: request.password_change_required,
        ..texts(&mut violations, request.display_name.as_deref(), request.email.as_deref())
    };
    let changes = masked(&mut violations, given, request.update_mask.as_ref(), &MASKABLE);
    let password = (!request.password.is_empty())
        .then(|| new_password(&mut violations, "password", &request.password, policy))
        .flatten();
    let Some(user_id) = user_id else { return Err(violations.into_refusal()) };
    violations.finish()?;
    let revoke_sessions = request.revoke_sessions;
    Ok(UpdateUser { user_id, changes, password, revoke_sessions, etag, replay })
}

/// Reads whom to disable or enable.
pub fn set_disabled(
    disabled: bool,
    (user_id, etag, request_id): (&str, &str, &str),
    request: &impl prost::Message,
    repetition: &Repetition<'_>,
) -> Result<SetDisabled, Refusal> {
    let mut violations = Violations::new();
    let replay = repetition.key(&mut violations, request_id, request);
    let user_id = violations.field("user_id", UserId::parse(user_id));
    let etag = self::etag(&mut violations, etag);
    let Some(user_id) = user_id else { return Err(violations.into_refusal()) };
    violations.finish()?;
    Ok(SetDisabled { user_id, disabled, etag, replay })
}

/// Reads whom to delete.
pub fn delete_user(
    request: &pb::DeleteUserRequest,
    repetition: &Repetition<'_>,
) -> Result<DeleteUser, Refusal> {
    let mut violations = Violations::new();
    let replay = repetition.key(&mut violations, &request.request_id, request);
    let user_id = violations.field("user_id", UserId::parse(&request.user_id));
    let etag = etag(&mut violations, &request.etag);
    let Some(user_id) = user_id else { return Err(violations.into_refusal()) };
    violations.finish()?;
    Ok(DeleteUser { user_id, etag, validate_only: request.validate_only, replay })
}
