//! `AnnotationService`: one's own annotations.

use async_trait::async_trait;
use roster_proto::persona::v1::{
    CreateAnnotationRequest, CreateAnnotationResponse, DeleteAnnotationRequest,
    DeleteAnnotationResponse, GetAnnotationRequest, GetAnnotationResponse, ListAnnotationsRequest,
    ListAnnotationsResponse, UpdateAnnotationRequest, UpdateAnnotationResponse,
    annotation_service_server::AnnotationService,
};
use tonic::{Request, Response, Status};

use crate::error::Error;

/// Answers `AnnotationService`.
#[derive(Clone, Copy, Debug)]
pub struct AnnotationRpc;

#[async_trait]
impl AnnotationService for AnnotationRpc {
    async fn create_annotation(
        &self,
        _request: Request<CreateAnnotationRequest>,
    ) -> Result<Response<CreateAnnotationResponse>, Status> {
        Err(Error::NotImplemented.into())
    }

    async fn get_annotation(
        &self,
        _request: Request<GetAnnotationRequest>,
    ) -> Result<Response<GetAnnotationResponse>, Status> {
        Err(Error::NotImplemented.into())
    }

    async fn list_annotations(
        &self,
        _request: Request<ListAnnotationsRequest>,
    ) -> Result<Response<ListAnnotationsResponse>, Status> {
        Err(Error::NotImplemented.into())
    }

    async fn update_annotation(
        &self,
        _request: Request<UpdateAnnotationRequest>,
    ) -> Result<Response<UpdateAnnotationResponse>, Status> {
        Err(Error::NotImplemented.into())
    }

    async fn delete_annotation(
        &self,
        _request: Request<DeleteAnnotationRequest>,
    ) -> Result<Response<DeleteAnnotationResponse>, Status> {
        Err(Error::NotImplemented.into())
    }
}
