//! An account and how it changes.

use roster_kernel::{Etag, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::{DisplayName, Email, Role, State, Subject, Username};

/// A person's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// What other services act upon, the id included.
    pub subject: Subject,
    /// What the user signs in with.
    pub username: Username,
    /// What others see.
    pub display_name: DisplayName,
    /// Where the user can be written to.
    pub email: Email,
    /// When the account was created.
    pub created_at: Timestamp,
    /// When it changed last; signing in is no change.
    pub updated_at: Timestamp,
    /// When the user signed in last.
    pub last_login_at: Option<Timestamp>,
    /// Names the present state.
    pub etag: Etag,
}

/// New values of what can be changed; `None` leaves a value as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChanges {
    /// What others see.
    pub display_name: Option<DisplayName>,
    /// Where the user can be written to.
    pub email: Option<Email>,
    /// Whether the user is an administrator.
    pub is_admin: Option<bool>,
    /// Whether a new password has to be chosen first.
    pub password_change_required: Option<bool>,
}

/// How much the services keep for a user; `None` where nobody has said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserStatistics {
    /// Personas that the user owns.
    pub personas: Option<i64>,
    /// Active sessions.
    pub sessions: Option<i64>,
    /// Configured API keys.
    pub api_keys: Option<i64>,
}

/// What can be told of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordFacts {
    /// When it was set.
    pub changed_at: Timestamp,
}

impl User {
    /// The id.
    #[must_use]
    pub const fn id(&self) -> UserId {
        self.subject.user_id
    }

    /// Whether the user is an administrator.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.subject.role == Role::Admin
    }

    /// Whether an administrator has disabled the account.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.subject.state == State::Disabled
    }

    /// Takes the new values in; answers the names of the fields whose values
    /// are others than before.
    pub fn change(&mut self, changes: UserChanges) -> Vec<&'static str> {
        let must_change = &mut self.subject.password_change_required;
        [
            set("display_name", &mut self.display_name, changes.display_name),
            set("email", &mut self.email, changes.email),
            set("is_admin", &mut self.subject.role, changes.is_admin.map(Role::of)),
            set("password_change_required", must_change, changes.password_change_required),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn set<T: PartialEq>(field: &'static str, value: &mut T, new: Option<T>) -> Option<&'static str> {
    let new = new.filter(|new| new != value)?;
    *value = new;
    Some(field)
}
