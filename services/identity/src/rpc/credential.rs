//! `CredentialService`: checking and handing out credentials, for other
//! services.

use async_trait::async_trait;
use roster_proto::identity::v1::{
    ResolveApiKeyRequest, ResolveApiKeyResponse, VerifyPasswordRequest, VerifyPasswordResponse,
    credential_service_server::CredentialService,
};
use tonic::{Request, Response, Status};

use super::{RpcCx, convert};
use crate::{
    announce,
    op::{resolve_api_key, verify_password},
};

/// Answers `CredentialService`.
#[derive(Clone, Debug)]
pub struct CredentialRpc(pub RpcCx);

#[async_trait]
impl CredentialService for CredentialRpc {
    async fn verify_password(
        &self,
        request: Request<VerifyPasswordRequest>,
    ) -> Result<Response<VerifyPasswordResponse>, Status> {
        let password = convert::password_claim(request.get_ref())?;
        let username = &request.get_ref().username;
        let subject = verify_password::verify_password(&self.0.cx, username, &password).await?;
        Ok(Response::new(VerifyPasswordResponse { state: Some(announce::state(&subject)) }))
    }

    async fn resolve_api_key(
        &self,
        request: Request<ResolveApiKeyRequest>,
    ) -> Result<Response<ResolveApiKeyResponse>, Status> {
        let (user_id, provider) = convert::resolve_api_key(request.get_ref())?;
        let cx = &self.0.cx;
        let resolved = resolve_api_key::resolve_api_key(cx, user_id, provider.as_ref()).await?;
        Ok(Response::new(convert::resolved(&resolved)))
    }
}
