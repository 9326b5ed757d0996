//! `AuthenticationService`: whom a token stands for.

use async_trait::async_trait;
use roster_proto::session::v1::{
    AuthenticateRequest, AuthenticateResponse, authentication_service_server::AuthenticationService,
};
use tonic::{Request, Response, Status};

use super::{RpcCx, convert};
use crate::op::authenticate;

/// Answers `AuthenticationService`.
#[derive(Clone, Debug)]
pub struct AuthenticationRpc(pub RpcCx);

#[async_trait]
impl AuthenticationService for AuthenticationRpc {
    async fn authenticate(
        &self,
        request: Request<AuthenticateRequest>,
    ) -> Result<Response<AuthenticateResponse>, Status> {
        let token = convert::token(request.get_ref())?;
        let caller = authenticate::authenticate(&self.0.cx, token).await?;
        Ok(Response::new(convert::authenticated(&caller)))
    }
}
