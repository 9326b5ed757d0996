//! What the identity service is asked.

use roster_kernel::{Actor, Caller, Deadline, Env, ServiceName, UserId};
use roster_proto::identity::v1::{
    BatchGetUsersRequest, user_admin_service_client::UserAdminServiceClient,
};
use roster_server::{Upstream, outgoing};

use crate::error::Error;

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

    /// Whether there is such a user, disabled ones included.
    pub async fn knows(
        &self,
        caller: &Caller,
        deadline: Option<Deadline>,
        user: UserId,
    ) -> Result<bool, Error> {
        let message = BatchGetUsersRequest { user_ids: vec![user.to_string()] };
        let caller = Caller { actor: Actor::Service(self.name.clone()), ..caller.clone() };
        let request = outgoing(message, caller, deadline, self.env.now());
        let answer = UserAdminServiceClient::new(self.upstream.clone())
            .batch_get_users(request)
            .await
            .map_err(|status| Error::Identity(Box::new(status)))?;
        let user = user.to_string();
        Ok(answer.into_inner().users.iter().any(|found| found.user_id == user))
    }
}
