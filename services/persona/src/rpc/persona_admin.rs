//! `PersonaAdminService`: the personas of all users.

use async_trait::async_trait;
use roster_proto::persona::v1::{
    ListUserAnnotationsRequest, ListUserAnnotationsResponse, ListUserOntologiesRequest,
    ListUserOntologiesResponse, ListUserPersonasRequest, ListUserPersonasResponse,
    TransferPersonasRequest, TransferPersonasResponse,
    persona_admin_service_server::PersonaAdminService,
};
use roster_server::{caller, deadline};
use tonic::{Request, Response, Status};

use super::{RpcCx, convert};
use crate::op::{list_annotations, list_ontologies, list_personas, transfer_personas};

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
        request: Request<ListUserOntologiesRequest>,
    ) -> Result<Response<ListUserOntologiesResponse>, Status> {
        let (owner, page) = convert::ontology::user_list(request.get_ref())?;
        let page = list_ontologies::list_user(&self.0.cx, owner, page).await?;
        let (ontologies, next_page_token) = convert::ontology::ontologies(page);
        Ok(Response::new(ListUserOntologiesResponse { ontologies, next_page_token }))
    }

    async fn list_user_annotations(
        &self,
        request: Request<ListUserAnnotationsRequest>,
    ) -> Result<Response<ListUserAnnotationsResponse>, Status> {
        let (owner, filter, page) = convert::annotation::user_list(request.get_ref())?;
        let page = list_annotations::list_user(&self.0.cx, owner, filter, page).await?;
        let (annotations, next_page_token) = convert::annotation::annotations(page);
        Ok(Response::new(ListUserAnnotationsResponse { annotations, next_page_token }))
    }

    async fn transfer_personas(
        &self,
        request: Request<TransferPersonasRequest>,
    ) -> Result<Response<TransferPersonasResponse>, Status> {
        let (caller, deadline) = (caller(&request)?, deadline(&request));
        let repetition = self.0.repetition(&caller, transfer_personas::METHOD);
        let command = convert::transfer::transfer(request.get_ref(), &repetition)?;
        let cx = &self.0.cx;
        let transferred =
            transfer_personas::transfer_personas(cx, &caller, deadline, &command).await?;
        Ok(Response::new(convert::transfer::transferred(transferred)))
    }
}
