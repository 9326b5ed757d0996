//! `MachineTokenService`: tokens for programs.

use async_trait::async_trait;
use roster_proto::identity::v1::{
    IssueMachineTokenRequest, IssueMachineTokenResponse, ListMachineTokensRequest,
    ListMachineTokensResponse, RevokeMachineTokenRequest, RevokeMachineTokenResponse,
    machine_token_service_server::MachineTokenService,
};
use tonic::{Request, Response, Status};

use super::later;

/// Answers `MachineTokenService`.
#[derive(Clone, Copy, Debug)]
pub struct MachineTokenRpc;

#[async_trait]
impl MachineTokenService for MachineTokenRpc {
    async fn issue_machine_token(
        &self,
        _request: Request<IssueMachineTokenRequest>,
    ) -> Result<Response<IssueMachineTokenResponse>, Status> {
        later()
    }

    async fn list_machine_tokens(
        &self,
        _request: Request<ListMachineTokensRequest>,
    ) -> Result<Response<ListMachineTokensResponse>, Status> {
        later()
    }

    async fn revoke_machine_token(
        &self,
        _request: Request<RevokeMachineTokenRequest>,
    ) -> Result<Response<RevokeMachineTokenResponse>, Status> {
        later()
    }
}
