//! `OntologyService`: the ontologies of one's own personas.

use async_trait::async_trait;
use roster_proto::persona::v1::{
    GetOntologyRequest, GetOntologyResponse, UpdateOntologyRequest, UpdateOntologyResponse,
    ontology_service_server::OntologyService,
};
use roster_server::{caller, user};
use tonic::{Request, Response, Status};

use super::{RpcCx, convert::ontology as convert};
use crate::op::{get_ontology, update_ontology};

/// Answers `OntologyService`.
#[derive(Clone, Debug)]
pub struct OntologyRpc(pub RpcCx);

#[async_trait]
impl OntologyService for OntologyRpc {
    async fn get_ontology(
        &self,
        request: Request<GetOntologyRequest>,
    ) -> Result<Response<GetOntologyResponse>, Status> {
        let caller = caller(&request)?;
        let user = user(&caller)?;
        let id = convert::get(request.get_ref())?;
        let found = get_ontology::get_ontology(&self.0.cx, user, id).await?;
        Ok(Response::new(GetOntologyResponse { ontology: Some(convert::ontology(found)) }))
    }

    async fn update_ontology(
        &self,
        request: Request<UpdateOntologyRequest>,
    ) -> Result<Response<UpdateOntologyResponse>, Status> {
        let caller = caller(&request)?;
        let user = user(&caller)?;
        let repetition = self.0.repetition(&caller, update_ontology::METHOD);
        let command = convert::update(request.get_ref(), &repetition)?;
        let updated = update_ontology::update_ontology(&self.0.cx, &caller, user, command).await?;
        Ok(Response::new(UpdateOntologyResponse { ontology: Some(convert::ontology(updated)) }))
    }
}
