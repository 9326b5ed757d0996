//! What an assertion says.

use std::net::IpAddr;

use roster_kernel::{
    Actor, Caller, MachineActor, MachineTokenId, Origin, ServiceName, SessionId, Timestamp,
    UserActor, UserId,
};
use serde::{Deserialize, Serialize};

/// A client may call itself anything; what goes along is bounded, so that the
/// header is. As much as the edge keeps.
const MOST_USER_AGENT_CHARS: usize = 512;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Who signed it: the gateway.
    pub iss: String,
    /// The service that it is for.
    pub aud: String,
    /// Since when it is true.
    pub iat: Timestamp,
    /// From when on it says nothing.
    pub exp: Timestamp,
    /// The caller.
    sub: Subject,
    /// The client's address.
    address: Option<IpAddr>,
    /// What the client calls itself.
    user_agent: String,
    /// The name of the call.
    correlation_id: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Subject {
    Anonymous,
    User {
        id: String,
        session: String,
        admin: bool,
        password_change_required: bool,
    },
    Machine {
        token: String,
        issuer: String,
        read_only: bool,
        admin: bool,
        password_change_required: bool,
    },
}

impl Claims {
    /// The claims about `caller`, unless it is a service.
    pub fn of(
        caller: &Caller,
        audience: &ServiceName,
        issued: Timestamp,
        expires: Timestamp,
    ) -> Option<Self> {
        let sub = match &caller.actor {
            Actor::Anonymous => Subject::Anonymous,
            Actor::User(user) => Subject::User {
                id: user.user_id.to_string(),
                session: user.session_id.to_string(),
                admin: user.is_admin,
                password_change_required: user.password_change_required,
            },
            Actor::Machine(machine) => Subject::Machine {
                token: machine.token_id.to_string(),
                issuer: machine.issuer_id.to_string(),
                read_only: machine.read_only,
                admin: machine.is_admin,
                password_change_required: machine.password_change_required,
            },
            Actor::Service(_) => return None,
        };
        Some(Self {
            iss: crate::GATEWAY.to_string(),
            aud: audience.to_string(),
            iat: issued,
            exp: expires,
            sub,
            address: caller.origin.address,
            user_agent: caller.origin.user_agent.chars().take(MOST_USER_AGENT_CHARS).collect(),
            correlation_id: caller.correlation_id.clone(),
        })
    }

    /// The caller that these claims are about.
    pub fn caller(self) -> Option<Caller> {
        let actor = match self.sub {
            Subject::Anonymous => Actor::Anonymous,
            Subject::User { id, session, admin, password_change_required } => {
                Actor::User(UserActor {
                    user_id: UserId::parse(&id).ok()?,
                    session_id: SessionId::parse(&session).ok()?,
                    is_admin: admin,
                    password_change_required,
                })
            }
            Subject::Machine { token, issuer, read_only, admin, password_change_required } => {
                Actor::Machine(MachineActor {
                    token_id: MachineTokenId::parse(&token).ok()?,
                    issuer_id: UserId::parse(&issuer).ok()?,
                    read_only,
                    is_admin: admin,
                    password_change_required,
                })
            }
        };
        let origin = Origin { address: self.address, user_agent: self.user_agent };
        Some(Caller { actor, origin, correlation_id: self.correlation_id })
    }
}
