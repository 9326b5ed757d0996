//! `OntologyService`: the ontologies of one's own personas.

use async_trait::async_trait;
use roster_proto::persona::v1::{
    GetOntologyRequest, GetOntologyResponse, UpdateOntologyRequest, UpdateOntologyResponse,
    ontology_service_server::OntologyService,
};
use tonic::{Request, Response, Status};

use crate::error::Error;

/// Answers `OntologyService`.
#[derive(Clone, Copy, Debug)]
pub struct OntologyRpc;

#[async_trait]
impl OntologyService for OntologyRpc {
    async fn get_ontology(
        &self,
        _request: Request<GetOntologyRequest>,
    ) -> Result<Response<GetOntologyResponse>, Status> {
        Err(Error::NotImplemented.into())
    }

    async fn update_ontology(
        &self,
        _request: Request<UpdateOntologyRequest>,
    ) -> Result<Response<UpdateOntologyResponse>, Status> {
        Err(Error::NotImplemented.into())
    }
}
