//! A user as other services know them.

use std::fmt;

use roster_kernel::UserId;
use roster_proto::subject::v1 as pb;

/// A state that the contract does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed subject state: {0}")]
pub struct InvalidSubject(pub &'static str);

/// The version of a subject's state, compared by incarnation first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Raised when identity is restored from a backup.
    pub incarnation: i64,
    /// Raised with every change.
    pub number: i64,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "change {} of incarnation {}", self.number, self.incarnation)
    }
}

/// The role of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A regular user.
    User,
    /// An administrator.
    Admin,
}

/// Whether a user may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The user may.
    Active,
    /// The user may not until enabled again.
    Disabled,
    /// The user is deleted, for good.
    Deleted,
}

/// The state of a user that other services act upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The user.
    pub user_id: UserId,
    /// The version of this state. The default is older than any that identity
    /// gives out: all that is known is that the user exists.
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

impl TryFrom<pb::SubjectState> for Subject {
    type Error = InvalidSubject;

    fn try_from(message: pb::SubjectState) -> Result<Self, Self::Error> {
        let role = match message.role() {
            pb::Role::User => Role::User,
            pb::Role::Admin => Role::Admin,
            pb::Role::Unspecified => return Err(InvalidSubject("role")),
        };
        let state = match message.state() {
            pb::State::Active => State::Active,
            pb::State::Disabled => State::Disabled,
            pb::State::Deleted => State::Deleted,
            pb::State::Unspecified => return Err(InvalidSubject("state")),
        };
        let version = message.version.ok_or(InvalidSubject("version"))?;
        Ok(Self {
            user_id: UserId::parse(&message.user_id).map_err(|_| InvalidSubject("user_id"))?,
            version: Version { incarnation: version.incarnation, number: version.number },
            session_epoch: message.session_epoch,
            role,
            state,
            password_change_required: message.password_change_required,
        })
    }
}

impl From<Subject> for pb::SubjectState {
    fn from(subject: Subject) -> Self {
        let role = match subject.role {
            Role::User => pb::Role::User,
            Role::Admin => pb::Role::Admin,
        };
        let state = match subject.state {
            State::Active => pb::State::Active,
            State::Disabled => pb::State::Disabled,
            State::Deleted => pb::State::Deleted,
        };
        Self {
            user_id: subject.user_id.to_string(),
            version: Some(pb::Version {
                incarnation: subject.version.incarnation,
                number: subject.version.number,
            }),
            session_epoch: subject.session_epoch,
            role: role.into(),
            state: state.into(),
            password_change_required: subject.password_change_required,
        }
    }
}
