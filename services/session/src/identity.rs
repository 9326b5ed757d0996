//! What the identity service is asked.

use std::{collections::HashMap, time::Duration};

use roster_kernel::{Actor, Caller, Deadline, Env, ServiceName, UserId};
use roster_participant::Subject;
use roster_proto::identity::v1::{
    BatchGetUsersRequest, VerifyPasswordRequest,
    credential_service_client::CredentialServiceClient,
    user_admin_service_client::UserAdminServiceClient,
};
use roster_server::{Upstream, outgoing};
use secrecy::{ExposeSecret, SecretString};
use tonic::{Request, Status};

use crate::error::Error;

/// How long a list waits for the names of its users.
const NAMES_WITHIN: Duration = Duration::from_secs(1);

/// What a user is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserNames {
    /// What the user signs in with.
    pub username: String,
    /// What others see.
    pub display_name: String,
}

/// The identity service, asked on behalf of callers.
#[derive(Clone, Debug)]
pub struct Identity {
    upstream: Upstream,
    env: Env,
    name: ServiceName,
}

impl Identity {
    /// Asks `upstream` as the service `name`.
    pub const fn new(upstream: Upstream, env: Env, name: ServiceName) -> Self {
        Self { upstream, env, name }
    }

    /// Checks a password; answers the state of its user.
    pub async fn verify_password(
        &self,
        caller: &Caller,
        deadline: Option<Deadline>,
        username: String,
        password: &SecretString,
    ) -> Result<Subject, Error> {
        let message =
            VerifyPasswordRequest { username, password: password.expose_secret().to_owned() };
        let answer = CredentialServiceClient::new(self.upstream.clone())
            .verify_password(self.request(caller, deadline, message))
            .await
            .map_err(|status| Error::Identity(Box::new(status)))?;
        Ok(Subject::try_from(answer.into_inner().state.unwrap_or_default())?)
    }

    /// What users are called, as far as identity answers in time: a list is
    /// worth having without the names.
    pub async fn names(
        &self,
        caller: &Caller,
        deadline: Option<Deadline>,
        users: &[UserId],
    ) -> HashMap<UserId, UserNames> {
        let soon = Deadline(self.env.now() + NAMES_WITHIN);
        let deadline = deadline.map_or(soon, |deadline| deadline.min(soon));
        if users.is_empty() {
            return HashMap::new();
        }
        let answer = tokio::select! {
            answer = self.get_names(caller, deadline, users) => answer,
            () = self.env.clock.sleep_until(deadline.0) => {
                Err(Status::deadline_exceeded("identity did not answer in time"))
            }
        };
        answer.unwrap_or_else(|status| {
            tracing::warn!(code = ?status.code(), "names of users not available");
            HashMap::new()
        })
    }

    async fn get_names(
        &self,
        caller: &Caller,
        deadline: Deadline,
        users: &[UserId],
    ) -> Result<HashMap<UserId, UserNames>, Status> {
        let message =
            BatchGetUsersRequest { user_ids: users.iter().map(ToString::to_string).collect() };
        let answer = UserAdminServiceClient::new(self.upstream.clone())
            .batch_get_users(self.request(caller, Some(deadline), message))
            .await?;
        let named = answer.into_inner().users.into_iter().filter_map(|user| {
            let id = UserId::parse(&user.user_id).ok()?;
            Some((id, UserNames { username: user.username, display_name: user.display_name }))
        });
        Ok(named.collect())
    }

    /// A request in this service's own name. Where the original call came
    /// from goes along: identity throttles by it.
    fn request<T>(&self, caller: &Caller, deadline: Option<Deadline>, message: T) -> Request<T> {
        let caller = Caller {
            actor: Actor::Service(self.name.clone()),
            origin: caller.origin.clone(),
            correlation_id: caller.correlation_id.clone(),
        };
        outgoing(message, caller, deadline, self.env.now())
    }
}
