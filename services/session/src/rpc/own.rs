//! `SessionService`: signing in and out, and one's own sessions.

use async_trait::async_trait;
use roster_proto::session::v1::{
    ListSessionsRequest, ListSessionsResponse, LoginRequest, LoginResponse, LogoutRequest,
    LogoutResponse, RevokeSessionRequest, RevokeSessionResponse,
    session_service_server::SessionService,
};
use roster_server::{caller, deadline, user};
use tonic::{Request, Response, Status};

use super::{RpcCx, convert};
use crate::op::{list_sessions, login, logout, revoke_session};

/// Answers `SessionService`.
#[derive(Clone, Debug)]
pub struct SessionRpc(pub RpcCx);

#[async_trait]
impl SessionService for SessionRpc {
    async fn login(
        &self,
        request: Request<LoginRequest>,
    ) -> Result<Response<LoginResponse>, Status> {
        let caller = caller(&request)?;
        let deadline = deadline(&request);
        let command = convert::login(request.into_inner())?;
        let opened = login::login(&self.0.cx, &caller, deadline, command).await?;
        let current = Some(opened.session.id);
        Ok(Response::new(LoginResponse {
            token: opened.token.expose().to_owned(),
            session: Some(convert::session(&opened.session, current)),
            password_change_required: opened.password_change_required,
        }))
    }

    async fn logout(
        &self,
        request: Request<LogoutRequest>,
    ) -> Result<Response<LogoutResponse>, Status> {
        let caller = caller(&request)?;
        let repetition = self.0.repetition(&caller, logout::METHOD);
        let replay = convert::logout(request.get_ref(), &repetition)?;
        let user = user(&caller)?;
        let ended = logout::logout(&self.0.cx, &caller, user, replay.as_ref()).await?;
        Ok(Response::new(LogoutResponse { revoked_count: convert::count(ended) }))
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        let caller = caller(&request)?;
        let page = convert::own_list(request.get_ref())?;
        let owner = user(&caller)?.user_id;
        let page = list_sessions::list_own(&self.0.cx, owner, page).await?;
        let (sessions, next_page_token) = convert::sessions(page, convert::current(&caller));
        Ok(Response::new(ListSessionsResponse { sessions, next_page_token }))
    }

    async fn revoke_session(
        &self,
        request: Request<RevokeSessionRequest>,
    ) -> Result<Response<RevokeSessionResponse>, Status> {
        let caller = caller(&request)?;
        let repetition = self.0.repetition(&caller, revoke_session::METHOD_OWN);
        let command = convert::own_revocation(request.get_ref(), &repetition)?;
        let user = user(&caller)?;
        let revoked = revoke_session::revoke_own(&self.0.cx, &caller, user, &command).await?;
        let session = convert::session(&revoked, convert::current(&caller));
        Ok(Response::new(RevokeSessionResponse { session: Some(session) }))
    }
}
