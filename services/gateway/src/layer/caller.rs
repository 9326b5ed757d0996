//! Establishes who is calling: asks, of every call, whose token it carries, the
//! session service of a session's, and the identity service of a machine token.
//! Nothing is remembered between calls, so a revocation holds from the moment it
//! is made.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;
use http::{HeaderMap, header, request::Parts};
use roster_kernel::{
    Actor, Caller, Deadline, Env, MachineActor, MachineTokenId, ServiceName, SessionId, TokenKind,
    UserActor, UserId,
};
use roster_proto::{
    identity::v1::{
        AuthenticateMachineTokenRequest, AuthenticateMachineTokenResponse, MachineTokenScope,
        machine_authentication_service_client::MachineAuthenticationServiceClient,
    },
    session::v1::{
        AuthenticateRequest, AuthenticateResponse,
        authentication_service_client::AuthenticationServiceClient,
    },
};
use roster_server::{CorrelationId, Level, Networks, Refusal, Upstream, outgoing};
use tonic::Status;

use super::{log::By, routing::Routed};
use crate::{Error, origin};

/// The most bytes that a token has: what those who know take. A longer one is
/// no token, which is all that its sender needs to know.
const MOST_TOKEN_BYTES: usize = 256;

/// How long the answer about a caller who has been let in may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks on the edge's behalf.
#[derive(Clone, Debug)]
pub struct Authenticator {
    /// The session service.
    pub session: Upstream,
    /// The identity service.
    pub identity: Upstream,
    /// Under which name they are asked.
    pub gateway: ServiceName,
    /// The time, for passing the caller's deadline on.
    pub env: Env,
    /// Who is believed about where calls come from.
    pub proxies: Networks,
}

/// The token that a caller was identified by.
#[derive(Clone)]
pub struct Token(String);

/// Attaches the [`Caller`]. To a PUBLIC method everybody is anonymous: a
/// stale token must not keep anyone from signing in.
pub async fn layer(
    State(authenticator): State<Authenticator>,
    request: Request,
    next: Next,
) -> Response {
    let (mut head, body) = request.into_parts();
    match authenticator.identify(&head).await {
        Ok((caller, token)) => {
            let by = By::of(&caller.actor);
            head.extensions.insert(caller);
            token.and_then(|token| head.extensions.insert(token));
            let mut answer = next.run(Request::from_parts(head, body)).await;
            by.and_then(|by| answer.extensions_mut().insert(by));
            answer
        }
        Err(error) => error.into_response(),
    }
}

impl Authenticator {
    async fn identify(&self, head: &Parts) -> Result<(Caller, Option<Token>), Error> {
        let extensions = &head.extensions;
        let routed = extensions.get::<Routed>().ok_or(Error::UnknownMethod)?;
        let correlation_id =
            extensions.get::<CorrelationId>().map(|id| id.0.clone()).unwrap_or_default();
        let origin = origin::of(head, &self.proxies);
        let token = match routed.0.access.level {
            Level::Public => None,
            Level::User | Level::Admin | Level::Internal => bearer(&head.headers)?,
        };
        let actor = match token {
            None => Actor::Anonymous,
            Some(token) => {
                let deadline = extensions.get::<Deadline>().copied();
                self.authenticate(token, deadline, &correlation_id)
                    .await
                    .map_err(|status| Error::Authentication(Box::new(status)))?
            }
        };
        Ok((Caller { actor, origin, correlation_id }, token.map(|token| Token(token.to_owned()))))
    }

    /// Asks again about a caller who was let in.
    pub async fn again(&self, token: &Token, correlation_id: &str) -> Result<Actor, Status> {
        let patience = TimeDelta::from_std(PATIENCE).unwrap_or(TimeDelta::zero());
        let deadline = Deadline(self.env.now() + patience);
        self.authenticate(&token.0, Some(deadline), correlation_id).await
    }

    async fn authenticate(
        &self,
        token: &str,
        deadline: Option<Deadline>,
        correlation_id: &str,
    ) -> Result<Actor, Status> {
        let (token, now) = (token.to_owned(), self.env.now());
        let caller = Caller {
            correlation_id: correlation_id.to_owned(),
            ..Caller::service(self.gateway.clone())
        };
        let actor = match TokenKind::of(&token) {
            Some(TokenKind::Machine) => {
                let message = AuthenticateMachineTokenRequest { token };
                let request = outgoing(message, caller, deadline, now);
                let mut client = MachineAuthenticationServiceClient::new(self.identity.clone());
                machine(&client.authenticate_machine_token(request).await?.into_inner())
            }
            // What is no token at all, the session service says.
            Some(TokenKind::Session) | None => {
                let request = outgoing(AuthenticateRequest { token }, caller, deadline, now);
                let mut client = AuthenticationServiceClient::new(self.session.clone());
                user(&client.authenticate(request).await?.into_inner())
            }
        };
        actor.ok_or_else(|| Refusal::internal(&MalformedAnswer).into())
    }
}

/// A service names a caller who cannot be.
#[derive(Debug, thiserror::Error)]
#[error("malformed answer about a token")]
struct MalformedAnswer;

fn user(answer: &AuthenticateResponse) -> Option<Actor> {
    Some(Actor::User(UserActor {
        user_id: UserId::parse(&answer.user_id).ok()?,
        session_id: SessionId::parse(&answer.session_id).ok()?,
        is_admin: answer.is_admin,
        password_change_required: answer.password_change_required,
    }))
}

fn machine(answer: &AuthenticateMachineTokenResponse) -> Option<Actor> {
    let read_only = match answer.scope() {
        MachineTokenScope::Unspecified => return None,
        MachineTokenScope::Admin => false,
        MachineTokenScope::ReadOnly => true,
    };
    Some(Actor::Machine(MachineActor {
        token_id: MachineTokenId::parse(&answer.machine_token_id).ok()?,
        issuer_id: UserId::parse(&answer.issued_by).ok()?,
        read_only,
        is_admin: answer.is_admin,
        password_change_required: answer.password_change_required,
    }))
}

/// The token of a request with exactly one authorization header and no
/// cookie: a cookie is sent by a browser whether its user means it or not,
/// so it never counts here, and beside a token it is a sign of confusion.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() || headers.contains_key(header::COOKIE) {
        return Err(Error::AmbiguousCredentials);
    }
    let value = value.to_str().map_err(|_| Error::MalformedCredentials)?;
    let (scheme, token) = value.split_once(' ').ok_or(Error::MalformedCredentials)?;
    let sized = (1..=MOST_TOKEN_BYTES).contains(&token.len());
    if !scheme.eq_ignore_ascii_case("bearer") || !sized {
        return Err(Error::MalformedCredentials);
    }
    Ok(Some(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[(header::HeaderName, &str)]) -> HeaderMap {
        values.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn one_bearer_token_is_taken() {
        let token = headers(&[(header::AUTHORIZATION, "bearer abc")]);
        assert_eq!(bearer(&token).unwrap(), Some("abc"));
        assert_eq!(bearer(&HeaderMap::new()).unwrap(), None);
        let cookie = headers(&[(header::COOKIE, "session=abc")]);
        assert_eq!(bearer(&cookie).unwrap(), None);
    }

    #[test]
    fn anything_ambiguous_is_refused() {
        let mut twice = headers(&[(header::AUTHORIZATION, "Bearer a")]);
        twice.append(header::AUTHORIZATION, "Bearer b".parse().unwrap());
        assert!(matches!(bearer(&twice), Err(Error::AmbiguousCredentials)));
        let both = headers(&[(header::AUTHORIZATION, "Bearer a"), (header::COOKIE, "b")]);
        assert!(matches!(bearer(&both), Err(Error::AmbiguousCredentials)));
        let long = format!("Bearer {}", "x".repeat(MOST_TOKEN_BYTES + 1));
        for value in ["Bearer", "Bearer ", "Basic abc", "abc", &long] {
            let malformed = headers(&[(header::AUTHORIZATION, value)]);
            assert!(matches!(bearer(&malformed), Err(Error::MalformedCredentials)), "{value}");
        }
    }
}
