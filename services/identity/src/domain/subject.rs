//! The part of an account that other services act upon.

use roster_kernel::UserId;
use serde::{Deserialize, Serialize};

/// The version of a state, compared by incarnation first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    /// Raised when this service is restored from a backup.
    pub incarnation: i64,
    /// Raised with every change: its place among those of all users.
    pub number: i64,
}

/// The role of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// A regular user.
    User,
    /// An administrator.
    Admin,
}

impl Role {
    /// The role of somebody who is an administrator, or is not.
    #[must_use]
    pub const fn of(is_admin: bool) -> Self {
        if is_admin { Self::Admin } else { Self::User }
    }
}

/// Whether a user may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// The user may.
    Active,
    /// The user may not until enabled again.
    Disabled,
    /// The user is deleted, for good.
    Deleted,
}

/// The state of a user that other services act upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The user.
    pub user_id: UserId,
    /// The version of this state.
    pub version: Version,
    /// Sessions opened under a lower epoch are over.
    pub session_epoch: i64,
    /// The role.
    pub role: Role,
    /// Whether the user may sign in.
    pub state: State,
    /// Whether a new password has to be chosen first.
    pub password_change_required: bool,
}

impl Subject {
    /// The first state of a new user.
    #[must_use]
    pub const fn new(user_id: UserId, version: Version, role: Role, must_change: bool) -> Self {
        Self {
            user_id,
            version,
            session_epoch: 0,
            role,
            state: State::Active,
            password_change_required: must_change,
        }
    }

    /// Whether the user can administer others.
    #[must_use]
    pub fn is_enabled_admin(&self) -> bool {
        self.role == Role::Admin && self.state == State::Active
    }

    /// The user may no longer sign in, and all sessions are over.
    pub const fn disable(&mut self) {
        self.state = State::Disabled;
        self.end_sessions();
    }

    /// The user is gone, and all sessions are over.
    pub const fn delete(&mut self) {
        self.state = State::Deleted;
        self.password_change_required = false;
        self.end_sessions();
    }

    /// All sessions are over.
    pub const fn end_sessions(&mut self) {
        self.session_epoch += 1;
    }

    /// The state that follows `self` as `version`, if `after` differs.
    #[must_use]
    pub fn followed_by(&self, after: Self, version: Version) -> Option<Self> {
        (after != *self).then_some(Self { version, ..after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> Subject {
        let (_, env) = roster_testkit::env(1);
        let version = Version { incarnation: 3, number: 1 };
        Subject::new(UserId::generate(&env), version, Role::Admin, true)
    }

    #[test]
    fn whoever_loses_access_loses_the_sessions() {
        let mut disabled = subject();
        disabled.disable();
        assert_eq!((disabled.state, disabled.session_epoch), (State::Disabled, 1));
        assert!(!disabled.is_enabled_admin());
        disabled.delete();
        assert_eq!((disabled.state, disabled.session_epoch), (State::Deleted, 2));
    }

    #[test]
    fn only_a_change_makes_a_version() {
        let before = subject();
        let version = Version { incarnation: 3, number: 9 };
        assert_eq!(before.followed_by(before, version), None);
        let after = Subject { role: Role::User, ..before };
        assert_eq!(before.followed_by(after, version), Some(Subject { version, ..after }));
    }
}
