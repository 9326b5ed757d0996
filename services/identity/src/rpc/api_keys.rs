//! `ApiKeyService` and `SystemApiKeyService`: keys for providers' APIs.

use async_trait::async_trait;
use roster_proto::identity::v1::{
    CreateApiKeyRequest, CreateApiKeyResponse, DeleteApiKeyRequest, DeleteApiKeyResponse,
    ListApiKeysRequest, ListApiKeysResponse, SystemApiKeyServiceCreateApiKeyRequest,
    SystemApiKeyServiceCreateApiKeyResponse, SystemApiKeyServiceDeleteApiKeyRequest,
    SystemApiKeyServiceDeleteApiKeyResponse, SystemApiKeyServiceListApiKeysRequest,
    SystemApiKeyServiceListApiKeysResponse, SystemApiKeyServiceUpdateApiKeyRequest,
    SystemApiKeyServiceUpdateApiKeyResponse, UpdateApiKeyRequest, UpdateApiKeyResponse,
    api_key_service_server::ApiKeyService, system_api_key_service_server::SystemApiKeyService,
};
use roster_server::{caller, user};
use tonic::{Request, Response, Status};

use super::{RpcCx, convert};
use crate::{
    domain::Owner,
    op::{create_api_key, delete_api_key, list_api_keys, update_api_key},
};

/// Answers `ApiKeyService`.
#[derive(Clone, Debug)]
pub struct ApiKeyRpc(pub RpcCx);

#[async_trait]
impl ApiKeyService for ApiKeyRpc {
    async fn list_api_keys(
        &self,
        request: Request<ListApiKeysRequest>,
    ) -> Result<Response<ListApiKeysResponse>, Status> {
        let caller = caller(&request)?;
        let it = request.get_ref();
        let page = convert::list_api_keys(it.page_size, &it.page_token)?;
        let page =
            list_api_keys::list_api_keys(&self.0.cx, Owner::User(user(&caller)?.user_id), page)
                .await?;
        let (api_keys, next_page_token) = convert::api_keys(page);
        Ok(Response::new(ListApiKeysResponse { api_keys, next_page_token }))
    }

    async fn create_api_key(
        &self,
        request: Request<CreateApiKeyRequest>,
    ) -> Result<Response<CreateApiKeyResponse>, Status> {
        let caller = caller(&request)?;
        let repetition = self.0.repetition(&caller, create_api_key::METHOD);
        let request = request.into_inner();
        let command =
            convert::create_api_key(Owner::User(user(&caller)?.user_id), request, &repetition)?;
        let created = create_api_key::create_api_key(&self.0.cx, &caller, command).await?;
        let api_key = Some(convert::api_key(created));
        Ok(Response::new(CreateApiKeyResponse { api_key }))
    }

    async fn update_api_key(
        &self,
        request: Request<UpdateApiKeyRequest>,
    ) -> Result<Response<UpdateApiKeyResponse>, Status> {
        let caller = caller(&request)?;
        let repetition = self.0.repetition(&caller, update_api_key::METHOD);
        let request = request.into_inner();
        let command =
            convert::update_api_key(Owner::User(user(&caller)?.user_id), request, &repetition)?;
        let updated = update_api_key::update_api_key(&self.0.cx, &caller, command).await?;
        let api_key = Some(convert::api_key(updated));
        Ok(Response::new(UpdateApiKeyResponse { api_key }))
    }

    async fn delete_api_key(
        &self,
        request: Request<DeleteApiKeyRequest>,
    ) -> Result<Response<DeleteApiKeyResponse>, Status> {
        let caller = caller(&request)?;
        let repetition = self.0.repetition(&caller, delete_api_key::METHOD);
        let request = request.into_inner();
        let command =
            convert::delete_api_key(Owner::User(user(&caller)?.user_id), &request, &repetition)?;
        let deleted = delete_api_key::delete_api_key(&self.0.cx, &caller, &command).await?;
        let api_key = Some(convert::api_key(deleted));
        Ok(Response::new(DeleteApiKeyResponse { api_key }))
    }
}

/// Answers `SystemApiKeyService`.
#[derive(Clone, Debug)]
pub struct SystemApiKeyRpc(pub RpcCx);

#[async_trait]
impl SystemApiKeyService for SystemApiKeyRpc {
    async fn list_api_keys(
        &self,
        request: Request<SystemApiKeyServiceListApiKeysRequest>,
    ) -> Result<Response<SystemApiKeyServiceListApiKeysResponse>, Status> {
        let it = request.get_ref();
        let page = convert::list_api_keys(it.page_size, &it.page_token)?;
        let page = list_api_keys::list_api_keys(&self.0.cx, Owner::System, page).await?;
        let (api_keys, next_page_token) = convert::api_keys(page);
        Ok(Response::new(SystemApiKeyServiceListApiKeysResponse { api_keys, next_page_token }))
    }

    async fn create_api_key(
        &self,
        request: Request<SystemApiKeyServiceCreateApiKeyRequest>,
    ) -> Result<Response<SystemApiKeyServiceCreateApiKeyResponse>, Status> {
        let caller = caller(&request)?;
        let repetition = self.0.repetition(&caller, create_api_key::METHOD_SYSTEM);
        let request = convert::create_system(request.into_inner());
        let command = convert::create_api_key(Owner::System, request, &repetition)?;
        let created = create_api_key::create_api_key(&self.0.cx, &caller, command).await?;
        let api_key = Some(convert::api_key(created));
        Ok(Response::new(SystemApiKeyServiceCreateApiKeyResponse { api_key }))
    }

    async fn update_api_key(
        &self,
        request: Request<SystemApiKeyServiceUpdateApiKeyRequest>,
    ) -> Result<Response<SystemApiKeyServiceUpdateApiKeyResponse>, Status> {
        let caller = caller(&request)?;
        let repetition = self.0.repetition(&caller, update_api_key::METHOD_SYSTEM);
        let request = convert::update_system(request.into_inner());
        let command = convert::update_api_key(Owner::System, request, &repetition)?;
        let updated = update_api_key::update_api_key(&self.0.cx, &caller, command).await?;
        let api_key = Some(convert::api_key(updated));
        Ok(Response::new(SystemApiKeyServiceUpdateApiKeyResponse { api_key }))
    }

    async fn delete_api_key(
        &self,
        request: Request<SystemApiKeyServiceDeleteApiKeyRequest>,
    ) -> Result<Response<SystemApiKeyServiceDeleteApiKeyResponse>, Status> {
        let caller = caller(&request)?;
        let repetition = self.0.repetition(&caller, delete_api_key::METHOD_SYSTEM);
        let request = convert::delete_system(request.into_inner());
        let command = convert::delete_api_key(Owner::System, &request, &repetition)?;
        let deleted = delete_api_key::delete_api_key(&self.0.cx, &caller, &command).await?;
        let api_key = Some(convert::api_key(deleted));
        Ok(Response::new(SystemApiKeyServiceDeleteApiKeyResponse { api_key }))
    }
}
