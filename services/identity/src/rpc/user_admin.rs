//! `UserAdminService`: the administration of users.

use std::pin::Pin;

use async_trait::async_trait;
use futures_util::stream;
use roster_proto::identity::v1::{
    BatchGetUsersRequest, BatchGetUsersResponse, CreateUserRequest, CreateUserResponse,
    DeleteUserRequest, DeleteUserResponse, DisableUserRequest, DisableUserResponse,
    EnableUserRequest, EnableUserResponse, ExportUserDataRequest, ExportUserDataResponse,
    GetDeletionRequest, GetDeletionResponse, GetStatisticsRequest, GetStatisticsResponse,
    GetUserRequest, GetUserResponse, ListDeletionsRequest, ListDeletionsResponse, ListUsersRequest,
    ListUsersResponse, PlanUserDeletionRequest, PlanUserDeletionResponse, RetryDeletionRequest,
    RetryDeletionResponse, UpdateUserRequest, UpdateUserResponse, WatchDeletionRequest,
    WatchDeletionResponse, user_admin_service_server::UserAdminService,
};
use roster_server::{caller, deadline};
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use super::{RpcCx, convert};
use crate::op::{
    batch_get_users, create_user, delete_user, export_user_data, get_deletion, get_statistics,
    get_user, list_deletions, list_users, plan_user_deletion, retry_deletion, set_disabled,
    update_user, watch_deletion,
};

/// Answers `UserAdminService`.
#[derive(Clone, Debug)]
pub struct UserAdminRpc(pub RpcCx);

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[async_trait]
impl UserAdminService for UserAdminRpc {
    async fn create_user(
        &self,
        request: Request<CreateUserRequest>,
    ) -> Result<Response<CreateUserResponse>, Status> {
        let caller = caller(&request)?;
        let cx = &self.0.cx;
        let repetition = self.0.repetition(&caller, create_user::METHOD);
        let command = convert::create_user(request.get_ref(), cx.password_policy, &repetition)?;
        let created = create_user::create_user(cx, &caller, command).await?;
        Ok(Response::new(CreateUserResponse { user: Some(convert::user(&created)) }))
    }

    async fn get_user(
        &self,
        request: Request<GetUserRequest>,
    ) -> Result<Response<GetUserResponse>, Status> {
        let caller = caller(&request)?;
        let user_id = convert::user_id(&request.get_ref().user_id)?;
        let (user, statistics) = get_user::get_user(&self.0.cx, &caller, user_id).await?;
        Ok(Response::new(GetUserResponse { user: Some(convert::user_with(&user, statistics)) }))
    }

    async fn batch_get_users(
        &self,
        request: Request<BatchGetUsersRequest>,
    ) -> Result<Response<BatchGetUsersResponse>, Status> {
        let users = convert::batch(request.get_ref())?;
        let users = batch_get_users::batch_get_users(&self.0.cx, &users).await?;
        let users = users.iter().map(convert::user).collect();
        Ok(Response::new(BatchGetUsersResponse { users }))
    }

    async fn list_users(
        &self,
        request: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersResponse>, Status> {
        let caller = caller(&request)?;
        let (filter, order, page) = convert::list_users(request.get_ref())?;
        let page = list_users::list_users(&self.0.cx, &caller, &filter, order, page).await?;
        Ok(Response::new(convert::users(page)))
    }

    async fn update_user(
        &self,
        request: Request<UpdateUserRequest>,
    ) -> Result<Response<UpdateUserResponse>, Status> {
        let (caller, deadline) = (caller(&request)?, deadline(&request));
        let cx = &self.0.cx;
        let repetition = self.0.repetition(&caller, update_user::METHOD);
        let command = convert::update_user(request.get_ref(), cx.password_policy, &repetition)?;
        let updated = update_user::update_user(cx, &caller, deadline, command).await?;
        Ok(Response::new(UpdateUserResponse { user: Some(convert::user(&updated)) }))
    }

    async fn disable_user(
        &self,
        request: Request<DisableUserRequest>,
    ) -> Result<Response<DisableUserResponse>, Status> {
        let (caller, deadline) = (caller(&request)?, deadline(&request));
        let repetition = self.0.repetition(&caller, set_disabled::METHOD_DISABLE);
        let it = request.get_ref();
        let fields = (it.user_id.as_str(), it.etag.as_str(), it.request_id.as_str());
        let command = convert::set_disabled(true, fields, it, &repetition)?;
        let user = set_disabled::set_disabled(&self.0.cx, &caller, deadline, &command).await?;
        Ok(Response::new(DisableUserResponse { user: Some(convert::user(&user)) }))
    }

    async fn enable_user(
        &self,
        request: Request<EnableUserRequest>,
    ) -> Result<Response<EnableUserResponse>, Status> {
        let (caller, deadline) = (caller(&request)?, deadline(&request));
        let repetition = self.0.repetition(&caller, set_disabled::METHOD_ENABLE);
        let it = request.get_ref();
        let fields = (it.user_id.as_str(), it.etag.as_str(), it.request_id.as_str());
        let command = convert::set_disabled(false, fields, it, &repetition)?;
        let user = set_disabled::set_disabled(&self.0.cx, &caller, deadline, &command).await?;
        Ok(Response::new(EnableUserResponse { user: Some(convert::user(&user)) }))
    }

    async fn plan_user_deletion(
        &self,
        request: Request<PlanUserDeletionRequest>,
    ) -> Result<Response<PlanUserDeletionResponse>, Status> {
        let (caller, deadline) = (caller(&request)?, deadline(&request));
        let user_id = convert::user_id(&request.get_ref().user_id)?;
        let cx = &self.0.cx;
        let plan = plan_user_deletion::plan_user_deletion(cx, &caller, deadline, user_id).await?;
        Ok(Response::new(PlanUserDeletionResponse { plan: Some(convert::plan(plan)) }))
    }

    async fn delete_user(
        &self,
        request: Request<DeleteUserRequest>,
    ) -> Result<Response<DeleteUserResponse>, Status> {
        let (caller, deadline) = (caller(&request)?, deadline(&request));
        let repetition = self.0.repetition(&caller, delete_user::METHOD);
        let command = convert::delete_user(request.get_ref(), &repetition)?;
        let outcome = delete_user::delete_user(&self.0.cx, &caller, deadline, &command).await?;
        let deletion = match outcome {
            delete_user::Outcome::Deleted(view) => convert::deletion(view),
            delete_user::Outcome::Deletable(user_id) => convert::deletable(user_id),
        };
        Ok(Response::new(DeleteUserResponse { deletion: Some(deletion) }))
    }

    async fn get_deletion(
        &self,
        request: Request<GetDeletionRequest>,
    ) -> Result<Response<GetDeletionResponse>, Status> {
        let id = convert::deletion_id(&request.get_ref().deletion_id)?;
        let view = get_deletion::get_deletion(&self.0.cx, id).await?;
        Ok(Response::new(GetDeletionResponse { deletion: Some(convert::deletion(view)) }))
    }

    async fn list_deletions(
        &self,
        request: Request<ListDeletionsRequest>,
    ) -> Result<Response<ListDeletionsResponse>, Status> {
        let (filter, page) = convert::list_deletions(request.get_ref())?;
        let page = list_deletions::list_deletions(&self.0.cx, filter, page).await?;
        let deletions = page.deletions.into_iter().map(convert::deletion).collect();
        let next_page_token = page.next_page_token;
        Ok(Response::new(ListDeletionsResponse { deletions, next_page_token }))
    }

    async fn retry_deletion(
        &self,
        request: Request<RetryDeletionRequest>,
    ) -> Result<Response<RetryDeletionResponse>, Status> {
        let caller = caller(&request)?;
        let repetition = self.0.repetition(&caller, retry_deletion::METHOD);
        let command = convert::retry_deletion(request.get_ref(), &repetition)?;
        let view = retry_deletion::retry_deletion(&self.0.cx, &caller, &command).await?;
        Ok(Response::new(RetryDeletionResponse { deletion: Some(convert::deletion(view)) }))
    }

    type WatchDeletionStream = Answers<WatchDeletionResponse>;

    async fn watch_deletion(
        &self,
        request: Request<WatchDeletionRequest>,
    ) -> Result<Response<Self::WatchDeletionStream>, Status> {
        let id = convert::deletion_id(&request.get_ref().deletion_id)?;
        let watch = watch_deletion::watch_deletion(&self.0.cx, id).await?;
        let views = stream::try_unfold(watch, |mut watch| async move {
            let view = watch.next().await?;
            Ok(view.map(|view| {
                (WatchDeletionResponse { deletion: Some(convert::deletion(view)) }, watch)
            }))
        });
        Ok(Response::new(Box::pin(views)))
    }

    type ExportUserDataStream = Answers<ExportUserDataResponse>;

    async fn export_user_data(
        &self,
        request: Request<ExportUserDataRequest>,
    ) -> Result<Response<Self::ExportUserDataStream>, Status> {
        let (caller, deadline) = (caller(&request)?, deadline(&request));
        let command = convert::export_user_data(request.get_ref())?;
        let cx = &self.0.cx;
        let export = export_user_data::export_user_data(cx, caller, deadline, command).await?;
        let parts = stream::try_unfold(export, |mut export| async move {
            let part = export.next().await?;
            Ok(part.map(|part| (convert::part(part), export)))
        });
        Ok(Response::new(Box::pin(parts)))
    }

    async fn get_statistics(
        &self,
        request: Request<GetStatisticsRequest>,
    ) -> Result<Response<GetStatisticsResponse>, Status> {
        let caller = caller(&request)?;
        let cx = &self.0.cx;
        let days = convert::days(request.get_ref(), cx.env.now().date_naive())?;
        let statistics = get_statistics::get_statistics(cx, &caller, days).await?;
        let statistics = Some(convert::statistics(statistics));
        Ok(Response::new(GetStatisticsResponse { statistics }))
    }
}
