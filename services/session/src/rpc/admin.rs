//! `SessionAdminService`: the sessions of all users.

use async_trait::async_trait;
use roster_proto::session::v1::{
    RevokeSessionsRequest, RevokeSessionsResponse, SessionAdminServiceListSessionsRequest,
    SessionAdminServiceListSessionsResponse, SessionAdminServiceRevokeSessionRequest,
    SessionAdminServiceRevokeSessionResponse, session_admin_service_server::SessionAdminService,
};
use roster_server::{caller, deadline};
use tonic::{Request, Response, Status};

use super::{RpcCx, convert};
use crate::op::{list_sessions, revoke_session, revoke_sessions};

/// Answers `SessionAdminService`.
#[derive(Clone, Debug)]
pub struct SessionAdminRpc(pub RpcCx);

#[async_trait]
impl SessionAdminService for SessionAdminRpc {
    async fn list_sessions(
        &self,
        request: Request<SessionAdminServiceListSessionsRequest>,
    ) -> Result<Response<SessionAdminServiceListSessionsResponse>, Status> {
        let caller = caller(&request)?;
        let deadline = deadline(&request);
        let (filter, page) = convert::admin_list(request.get_ref())?;
        let page = list_sessions::list_all(&self.0.cx, &caller, deadline, &filter, page).await?;
        let (sessions, next_page_token) = convert::sessions(page, convert::current(&caller));
        Ok(Response::new(SessionAdminServiceListSessionsResponse { sessions, next_page_token }))
    }

    async fn revoke_session(
        &self,
        request: Request<SessionAdminServiceRevokeSessionRequest>,
    ) -> Result<Response<SessionAdminServiceRevokeSessionResponse>, Status> {
        let caller = caller(&request)?;
        let repetition = self.0.repetition(&caller, revoke_session::METHOD_ANY);
        let command = convert::admin_revocation(request.get_ref(), &repetition)?;
        let revoked = revoke_session::revoke_any(&self.0.cx, &caller, &command).await?;
        let session = convert::session(&revoked, convert::current(&caller));
        Ok(Response::new(SessionAdminServiceRevokeSessionResponse { session: Some(session) }))
    }

    async fn revoke_sessions(
        &self,
        request: Request<RevokeSessionsRequest>,
    ) -> Result<Response<RevokeSessionsResponse>, Status> {
        let caller = caller(&request)?;
        let repetition = self.0.repetition(&caller, revoke_sessions::METHOD);
        let command = convert::bulk_revocation(request.get_ref(), &repetition)?;
        let revoked = revoke_sessions::revoke_sessions(&self.0.cx, &caller, command).await?;
        Ok(Response::new(RevokeSessionsResponse { revoked_count: convert::count(revoked) }))
    }
}
