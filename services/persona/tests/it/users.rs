//! Identity's users, as far as this service asks for them.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use roster_kernel::UserId;
use roster_proto::identity::v1::{BatchGetUsersRequest, BatchGetUsersResponse, User};
use tonic::{
    Request, Response, Status,
    body::Body,
    server::{Grpc, NamedService, UnaryService},
};
use tonic_prost::ProstCodec;

/// Answers for every user but those who are told not to exist.
#[derive(Clone, Default)]
pub struct Users {
    pub unknown: Arc<Mutex<Vec<UserId>>>,
    pub silent: Arc<Mutex<bool>>,
}

impl NamedService for Users {
    const NAME: &'static str = "roster.identity.v1.UserAdminService";
}

impl tower::Service<http::Request<Body>> for Users {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        assert_eq!(request.uri().path(), "/roster.identity.v1.UserAdminService/BatchGetUsers");
        let method = self.clone();
        Box::pin(async move { Ok(Grpc::new(ProstCodec::default()).unary(method, request).await) })
    }
}

impl UnaryService<BatchGetUsersRequest> for Users {
    type Response = BatchGetUsersResponse;
    type Future = Ready<Result<Response<BatchGetUsersResponse>, Status>>;

    fn call(&mut self, request: Request<BatchGetUsersRequest>) -> Self::Future {
        if *self.silent.lock().unwrap() {
            return ready(Err(Status::unavailable("not there")));
        }
        let unknown = self.unknown.lock().unwrap().clone();
        let asked = request.into_inner().user_ids.into_iter();
        let known = asked.filter(|id| !unknown.contains(&UserId::parse(id).unwrap()));
        let users = known.map(|user_id| User { user_id, ..Default::default() }).collect();
        ready(Ok(Response::new(BatchGetUsersResponse { users })))
    }
}
