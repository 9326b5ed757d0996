//! `AccountService`: one's own account.

use async_trait::async_trait;
use roster_proto::identity::v1::{
    ChangePasswordRequest, ChangePasswordResponse, GetProfileRequest, GetProfileResponse,
    GetSettingsRequest, GetSettingsResponse, RegisterRequest, RegisterResponse,
    UpdateProfileRequest, UpdateProfileResponse, account_service_server::AccountService,
};
use roster_server::{caller, deadline, user};
use tonic::{Request, Response, Status};

use super::{RpcCx, convert};
use crate::op::{change_password, get_profile, register, update_profile};

/// Answers `AccountService`.
#[derive(Clone, Debug)]
pub struct AccountRpc(pub RpcCx);

#[async_trait]
impl AccountService for AccountRpc {
    async fn register(
        &self,
        request: Request<RegisterRequest>,
    ) -> Result<Response<RegisterResponse>, Status> {
        let caller = caller(&request)?;
        let cx = &self.0.cx;
        let repetition = self.0.repetition(&caller, register::METHOD);
        let command = convert::registration(request.get_ref(), cx.password_policy, &repetition)?;
        let created = register::register(cx, &caller, command).await?;
        Ok(Response::new(RegisterResponse { user: Some(convert::user(&created)) }))
    }

    async fn get_profile(
        &self,
        request: Request<GetProfileRequest>,
    ) -> Result<Response<GetProfileResponse>, Status> {
        let caller = caller(&request)?;
        let profile = get_profile::get_profile(&self.0.cx, user(&caller)?).await?;
        Ok(Response::new(GetProfileResponse { user: Some(convert::user(&profile)) }))
    }

    async fn update_profile(
        &self,
        request: Request<UpdateProfileRequest>,
    ) -> Result<Response<UpdateProfileResponse>, Status> {
        let caller = caller(&request)?;
        let repetition = self.0.repetition(&caller, update_profile::METHOD);
        let command = convert::profile_update(request.get_ref(), &repetition)?;
        let user = user(&caller)?;
        let updated = update_profile::update_profile(&self.0.cx, &caller, user, command).await?;
        Ok(Response::new(UpdateProfileResponse { user: Some(convert::user(&updated)) }))
    }

    async fn change_password(
        &self,
        request: Request<ChangePasswordRequest>,
    ) -> Result<Response<ChangePasswordResponse>, Status> {
        let (caller, deadline) = (caller(&request)?, deadline(&request));
        let cx = &self.0.cx;
        let repetition = self.0.repetition(&caller, change_password::METHOD);
        let policy = cx.password_policy;
        let command = convert::change_password(request.get_ref(), policy, &repetition)?;
        let user = user(&caller)?;
        let changed =
            change_password::change_password(cx, &caller, user, deadline, &command).await?;
        Ok(Response::new(ChangePasswordResponse { user: Some(convert::user(&changed)) }))
    }

    async fn get_settings(
        &self,
        _request: Request<GetSettingsRequest>,
    ) -> Result<Response<GetSettingsResponse>, Status> {
        Ok(Response::new(convert::settings(&self.0.cx)))
    }
}
