//! `PersonaAdminService`: the personas of all users.

use async_trait::async_trait;
use roster_proto::persona::v1::{
    ListUserAnnotationsRequest, ListUserAnnotationsResponse, ListUserOntologiesRequest,
    ListUserOntologiesResponse, ListUserPersonasRequest, ListUserPersonasResponse,
    TransferPersonasRequest, TransferPersonasResponse,
    persona_admin_service_server::PersonaAdminService,
};
use tonic::{Request, Response, Status};

use super::{RpcCx, convert};
use crate::{error::Error, op::list_personas};

/// Answers `PersonaAdminService`.
#[derive(Clone, Debug)]
pub struct PersonaAdminRpc(pub RpcCx);

#[async_trait]
impl PersonaAdminService for PersonaAdminRpc {
    async fn list_user_personas(
        &self,
        request: Request<ListUserPersonasRequest>,
    ) -> Result<Response<ListUserPersonasResponse>, Status> {
        let (owner, page) = convert::user_list(request.get_ref())?;
        let page = list_personas::list_user(&self.0.cx, owner, page).await?;
        let (personas, next_page_token) = convert::personas(page);
        Ok(Response::new(ListUserPersonasResponse { personas, next_page_token }))
    }

    async fn list_user_ontologies(
        &self,
        _request: Request<ListUserOntologiesRequest>,
    ) -> Result<Response<ListUserOntologiesResponse>, Status> {
        Err(Error::NotImplemented.into())
    }

    async fn list_user_annotations(
        &self,
        _request: Request<ListUserAnnotationsRequest>,
    ) -> Result<Response<ListUserAnnotationsResponse>, Status> {
        Err(Error::NotImplemented.into())
    }

    async fn transfer_personas(
        &self,
        _request: Request<TransferPersonasRequest>,
    ) -> Result<Response<TransferPersonasResponse>, Status> {
        Err(Error::NotImplemented.into())
    }
}
