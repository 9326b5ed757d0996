//! The two services that keep keys have the same methods under two names.

use roster_proto::identity::v1::{
    ApiKey, CreateApiKeyRequest, DeleteApiKeyRequest, ListApiKeysRequest,
    SystemApiKeyServiceCreateApiKeyRequest, SystemApiKeyServiceDeleteApiKeyRequest,
    SystemApiKeyServiceListApiKeysRequest, SystemApiKeyServiceUpdateApiKeyRequest,
    UpdateApiKeyRequest,
};
use tonic::Status;

use super::{super::edge::Edge, Owner};
use crate::panel::stop::Stop;

/// An owner has no more keys than this, which is a page.
const MOST: i32 = 200;

impl Owner {
    /// All keys, ordered by provider.
    pub async fn list(self, edge: &Edge) -> Result<Vec<ApiKey>, Status> {
        let page_token = String::new();
        match self {
            Self::System => {
                let request = SystemApiKeyServiceListApiKeysRequest { page_size: MOST, page_token };
                let answer = edge.system_keys().list_api_keys(edge.call(request)).await?;
                Ok(answer.into_inner().api_keys)
            }
            Self::User => {
                let request = ListApiKeysRequest { page_size: MOST, page_token };
                let answer = edge.own_keys().list_api_keys(edge.call(request)).await?;
                Ok(answer.into_inner().api_keys)
            }
        }
    }

    /// One key.
    pub async fn find(self, edge: &Edge, id: &str) -> Result<ApiKey, Stop> {
        let keys = self.list(edge).await?;
        keys.into_iter().find(|key| key.api_key_id == id).ok_or(Stop::Missing)
    }

    /// Adds a key.
    pub async fn create(self, edge: &Edge, key: CreateApiKeyRequest) -> Result<(), Status> {
        match self {
            Self::System => {
                let request = SystemApiKeyServiceCreateApiKeyRequest {
                    provider: key.provider,
                    name: key.name,
                    secret: key.secret,
                    inactive: key.inactive,
                    request_id: key.request_id,
                };
                edge.system_keys().create_api_key(edge.call(request)).await.map(drop)
            }
            Self::User => edge.own_keys().create_api_key(edge.call(key)).await.map(drop),
        }
    }

    /// Changes a key.
    pub async fn update(self, edge: &Edge, change: UpdateApiKeyRequest) -> Result<(), Status> {
        match self {
            Self::System => {
                let request = SystemApiKeyServiceUpdateApiKeyRequest {
                    api_key_id: change.api_key_id,
                    name: change.name,
                    active: change.active,
                    secret: change.secret,
                    update_mask: change.update_mask,
                    etag: change.etag,
                    request_id: change.request_id,
                };
                edge.system_keys().update_api_key(edge.call(request)).await.map(drop)
            }
            Self::User => edge.own_keys().update_api_key(edge.call(change)).await.map(drop),
        }
    }

    /// Deletes a key.
    pub async fn delete(self, edge: &Edge, key: DeleteApiKeyRequest) -> Result<(), Status> {
        match self {
            Self::System => {
                let request = SystemApiKeyServiceDeleteApiKeyRequest {
                    api_key_id: key.api_key_id,
                    etag: key.etag,
                    request_id: key.request_id,
                };
                edge.system_keys().delete_api_key(edge.call(request)).await.map(drop)
            }
            Self::User => edge.own_keys().delete_api_key(edge.call(key)).await.map(drop),
        }
    }
}
