//! `MachineAuthenticationService`: whose machine token it is, for the edge.

use async_trait::async_trait;
use roster_proto::identity::v1::{
    AuthenticateMachineTokenRequest, AuthenticateMachineTokenResponse,
    machine_authentication_service_server::MachineAuthenticationService,
};
use tonic::{Request, Response, Status};

use super::{RpcCx, convert};
use crate::op::authenticate_machine_token;

/// Answers `MachineAuthenticationService`.
#[derive(Clone, Debug)]
pub struct MachineAuthenticationRpc(pub RpcCx);

#[async_trait]
impl MachineAuthenticationService for MachineAuthenticationRpc {
    async fn authenticate_machine_token(
        &self,
        request: Request<AuthenticateMachineTokenRequest>,
    ) -> Result<Response<AuthenticateMachineTokenResponse>, Status> {
        let token = convert::shown_token(request.get_ref())?;
        let cx = &self.0.cx;
        let found = authenticate_machine_token::authenticate_machine_token(cx, token).await?;
        Ok(Response::new(convert::authenticated_machine(&found)))
    }
}
