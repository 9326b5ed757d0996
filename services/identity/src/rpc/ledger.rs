//! `SubjectLedgerService`: the ledger, for other services.

use async_trait::async_trait;
use roster_proto::identity::v1::{
    ListSubjectStatesRequest, ListSubjectStatesResponse,
    subject_ledger_service_server::SubjectLedgerService,
};
use tonic::{Request, Response, Status};

use super::{RpcCx, convert};
use crate::op::list_subject_states;

/// Answers `SubjectLedgerService`.
#[derive(Clone, Debug)]
pub struct SubjectLedgerRpc(pub RpcCx);

#[async_trait]
impl SubjectLedgerService for SubjectLedgerRpc {
    async fn list_subject_states(
        &self,
        request: Request<ListSubjectStatesRequest>,
    ) -> Result<Response<ListSubjectStatesResponse>, Status> {
        let (after, limit) = convert::ledger_place(request.into_inner())?;
        let page = list_subject_states::list_subject_states(&self.0.cx, after, limit).await?;
        Ok(Response::new(convert::states(&page)))
    }
}
