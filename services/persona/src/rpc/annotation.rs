//! `AnnotationService`: one's own annotations.

use async_trait::async_trait;
use roster_proto::persona::v1::{
    CreateAnnotationRequest, CreateAnnotationResponse, DeleteAnnotationRequest,
    DeleteAnnotationResponse, GetAnnotationRequest, GetAnnotationResponse, ListAnnotationsRequest,
    ListAnnotationsResponse, UpdateAnnotationRequest, UpdateAnnotationResponse,
    annotation_service_server::AnnotationService,
};
use roster_server::{caller, user};
use tonic::{Request, Response, Status};

use super::{RpcCx, convert::annotation as convert};
use crate::op::{
    create_annotation, delete_annotation, get_annotation, list_annotations, update_annotation,
};

/// Answers `AnnotationService`.
#[derive(Clone, Debug)]
pub struct AnnotationRpc(pub RpcCx);

#[async_trait]
impl AnnotationService for AnnotationRpc {
    async fn create_annotation(
        &self,
        request: Request<CreateAnnotationRequest>,
    ) -> Result<Response<CreateAnnotationResponse>, Status> {
        let caller = caller(&request)?;
        let user = user(&caller)?;
        let repetition = self.0.repetition(&caller, create_annotation::METHOD);
        let command = convert::create(request.get_ref(), &repetition)?;
        let created =
            create_annotation::create_annotation(&self.0.cx, &caller, user, command).await?;
        let annotation = Some(convert::annotation(created));
        Ok(Response::new(CreateAnnotationResponse { annotation }))
    }

    async fn get_annotation(
        &self,
        request: Request<GetAnnotationRequest>,
    ) -> Result<Response<GetAnnotationResponse>, Status> {
        let caller = caller(&request)?;
        let user = user(&caller)?;
        let id = convert::get(request.get_ref())?;
        let found = get_annotation::get_annotation(&self.0.cx, user, id).await?;
        let annotation = Some(convert::annotation(found));
        Ok(Response::new(GetAnnotationResponse { annotation }))
    }

    async fn list_annotations(
        &self,
        request: Request<ListAnnotationsRequest>,
    ) -> Result<Response<ListAnnotationsResponse>, Status> {
        let caller = caller(&request)?;
        let owner = user(&caller)?.user_id;
        let (filter, page) = convert::own_list(request.get_ref())?;
        let page = list_annotations::list_own(&self.0.cx, owner, filter, page).await?;
        let (annotations, next_page_token) = convert::annotations(page);
        Ok(Response::new(ListAnnotationsResponse { annotations, next_page_token }))
    }

    async fn update_annotation(
        &self,
        request: Request<UpdateAnnotationRequest>,
    ) -> Result<Response<UpdateAnnotationResponse>, Status> {
        let caller = caller(&request)?;
        let user = user(&caller)?;
        let repetition = self.0.repetition(&caller, update_annotation::METHOD);
        let command = convert::update(request.get_ref(), &repetition)?;
        let updated =
            update_annotation::update_annotation(&self.0.cx, &caller, user, command).await?;
        let annotation = Some(convert::annotation(updated));
        Ok(Response::new(UpdateAnnotationResponse { annotation }))
    }

    async fn delete_annotation(
        &self,
        request: Request<DeleteAnnotationRequest>,
    ) -> Result<Response<DeleteAnnotationResponse>, Status> {
        let caller = caller(&request)?;
        let user = user(&caller)?;
        let repetition = self.0.repetition(&caller, delete_annotation::METHOD);
        let command = convert::delete(request.get_ref(), &repetition)?;
        let deleted =
            delete_annotation::delete_annotation(&self.0.cx, &caller, user, &command).await?;
        let annotation = Some(convert::annotation(deleted));
        Ok(Response::new(DeleteAnnotationResponse { annotation }))
    }
}
