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
use tonic::{Request, Response, Status};

use super::later;

/// Answers `ApiKeyService`.
#[derive(Clone, Copy, Debug)]
pub struct ApiKeyRpc;

#[async_trait]
impl ApiKeyService for ApiKeyRpc {
    async fn list_api_keys(
        &self,
        _request: Request<ListApiKeysRequest>,
    ) -> Result<Response<ListApiKeysResponse>, Status> {
        later()
    }

    async fn create_api_key(
        &self,
        _request: Request<CreateApiKeyRequest>,
    ) -> Result<Response<CreateApiKeyResponse>, Status> {
        later()
    }

    async fn update_api_key(
        &self,
        _request: Request<UpdateApiKeyRequest>,
    ) -> Result<Response<UpdateApiKeyResponse>, Status> {
        later()
    }

    async fn delete_api_key(
        &self,
        _request: Request<DeleteApiKeyRequest>,
    ) -> Result<Response<DeleteApiKeyResponse>, Status> {
        later()
    }
}

/// Answers `SystemApiKeyService`.
#[derive(Clone, Copy, Debug)]
pub struct SystemApiKeyRpc;

#[async_trait]
impl SystemApiKeyService for SystemApiKeyRpc {
    async fn list_api_keys(
        &self,
        _request: Request<SystemApiKeyServiceListApiKeysRequest>,
    ) -> Result<Response<SystemApiKeyServiceListApiKeysResponse>, Status> {
        later()
    }

    async fn create_api_key(
        &self,
        _request: Request<SystemApiKeyServiceCreateApiKeyRequest>,
    ) -> Result<Response<SystemApiKeyServiceCreateApiKeyResponse>, Status> {
        later()
    }

    async fn update_api_key(
        &self,
        _request: Request<SystemApiKeyServiceUpdateApiKeyRequest>,
    ) -> Result<Response<SystemApiKeyServiceUpdateApiKeyResponse>, Status> {
        later()
    }

    async fn delete_api_key(
        &self,
        _request: Request<SystemApiKeyServiceDeleteApiKeyRequest>,
    ) -> Result<Response<SystemApiKeyServiceDeleteApiKeyResponse>, Status> {
        later()
    }
}
