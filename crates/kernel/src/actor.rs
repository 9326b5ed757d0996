//! Who is calling, from where, and how long they will wait.

use std::{borrow::Cow, fmt, net::IpAddr, time::Duration};

use crate::{MachineTokenId, SessionId, Timestamp, UserId};

/// Who is calling, as established by the edge or by a peer's certificate;
/// never read from what a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Nobody has signed in.
    Anonymous,
    /// A signed-in user.
    User(UserActor),
    /// A program with a machine token.
    Machine(MachineActor),
    /// Another service of this installation.
    Service(ServiceName),
}

impl Actor {
    /// The user in whose name the call is made: who has signed in, or has
    /// issued the machine token.
    #[must_use]
    pub const fn user_id(&self) -> Option<UserId> {
        match self {
            Self::User(user) => Some(user.user_id),
            Self::Machine(machine) => Some(machine.issuer_id),
            Self::Anonymous | Self::Service(_) => None,
        }
    }
}

/// A signed-in user, as of the moment the call was authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserActor {
    /// The user.
    pub user_id: UserId,
    /// The session the call was made with.
    pub session_id: SessionId,
    /// Whether the user had the administrator role.
    pub is_admin: bool,
    /// Whether the user must choose a new password before doing anything else.
    pub password_change_required: bool,
}

/// A program with a machine token, as of the moment the call was authenticated.
/// What its issuer may not do at that moment, it may not do either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineActor {
    /// The token.
    pub token_id: MachineTokenId,
    /// The user who issued it.
    pub issuer_id: UserId,
    /// Whether it may only look.
    pub read_only: bool,
    /// Whether the issuer had the administrator role.
    pub is_admin: bool,
    /// Whether the issuer must choose a new password before doing anything
    /// else.
    pub password_change_required: bool,
}

/// The name of a service, such as `session`: lower-case ASCII letters, digits
/// and hyphens, so that it can stand in a subject or in a metric's label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName(Cow<'static, str>);

impl ServiceName {
    /// Takes a name of 1 to 40 lower-case ASCII letters, digits and hyphens;
    /// anything else is `None`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::fits(name.as_bytes()).then(|| Self(Cow::Owned(name.to_owned())))
    }

    /// A name that stands in the code; a malformed one does not compile in a
    /// `const`.
    #[must_use]
    pub const fn from_static(name: &'static str) -> Self {
        assert!(Self::fits(name.as_bytes()), "malformed service name");
        Self(Cow::Borrowed(name))
    }

    const fn fits(name: &[u8]) -> bool {
        let mut index = 0;
        while index < name.len() {
            if !matches!(name[index], b'a'..=b'z' | b'0'..=b'9' | b'-') {
                return false;
            }
            index += 1;
        }
        index >= 1 && index <= 40
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a call came from, as far as the edge could see. Data, never an
/// argument for a decision other than throttling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// What the client calls itself, unverified.
    pub user_agent: String,
}

/// Everything a service is told about the origin of a call. Travels beside
/// the message, in the request's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who is calling.
    pub actor: Actor,
    /// From where.
    pub origin: Origin,
    /// The name of this call in logs and in the audit trail, given by the edge.
    pub correlation_id: String,
}

impl Caller {
    /// A call that a service makes on its own account.
    #[must_use]
    pub fn service(name: ServiceName) -> Self {
        Self {
            actor: Actor::Service(name),
            origin: Origin::default(),
            correlation_id: String::new(),
        }
    }
}

/// The moment after which the caller no longer waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(pub Timestamp);

impl Deadline {
    /// The time left at `now`; zero once the deadline has passed.
    #[must_use]
    pub fn remaining(self, now: Timestamp) -> Duration {
        (self.0 - now).to_std().unwrap_or(Duration::ZERO)
    }
}
