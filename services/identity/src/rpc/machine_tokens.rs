//! `MachineTokenService`: tokens for programs.

use async_trait::async_trait;
use roster_proto::identity::v1::{
    IssueMachineTokenRequest, IssueMachineTokenResponse, ListMachineTokensRequest,
    ListMachineTokensResponse, RevokeMachineTokenRequest, RevokeMachineTokenResponse,
    machine_token_service_server::MachineTokenService,
};
use roster_server::{caller, user};
use tonic::{Request, Response, Status};

use super::{RpcCx, convert};
use crate::op::{issue_machine_token, list_machine_tokens, revoke_machine_token};

/// Answers `MachineTokenService`.
#[derive(Clone, Debug)]
pub struct MachineTokenRpc(pub RpcCx);

#[async_trait]
impl MachineTokenService for MachineTokenRpc {
    async fn issue_machine_token(
        &self,
        request: Request<IssueMachineTokenRequest>,
    ) -> Result<Response<IssueMachineTokenResponse>, Status> {
        let caller = caller(&request)?;
        let admin = user(&caller)?;
        let command = convert::issue_machine_token(request.get_ref())?;
        let cx = &self.0.cx;
        let issued = issue_machine_token::issue_machine_token(cx, &caller, admin, command).await?;
        Ok(Response::new(IssueMachineTokenResponse {
            token: issued.secret.expose().to_owned(),
            machine_token: Some(convert::machine_token(&issued.token)),
        }))
    }

    async fn list_machine_tokens(
        &self,
        request: Request<ListMachineTokensRequest>,
    ) -> Result<Response<ListMachineTokensResponse>, Status> {
        let page = convert::list_machine_tokens(request.get_ref())?;
        let page = list_machine_tokens::list_machine_tokens(&self.0.cx, page).await?;
        let machine_tokens = page.tokens.iter().map(convert::machine_token).collect();
        let next_page_token = page.next_page_token;
        Ok(Response::new(ListMachineTokensResponse { machine_tokens, next_page_token }))
    }

    async fn revoke_machine_token(
        &self,
        request: Request<RevokeMachineTokenRequest>,
    ) -> Result<Response<RevokeMachineTokenResponse>, Status> {
        let caller = caller(&request)?;
        let repetition = self.0.repetition(&caller, revoke_machine_token::METHOD);
        let command = convert::revoke_machine_token(request.get_ref(), &repetition)?;
        let revoked =
            revoke_machine_token::revoke_machine_token(&self.0.cx, &caller, &command).await?;
        let machine_token = Some(convert::machine_token(&revoked));
        Ok(Response::new(RevokeMachineTokenResponse { machine_token }))
    }
}
