//! An identity service that knows what tests tell it.

use std::{
    collections::HashMap,
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use async_trait::async_trait;
use roster_kernel::{Caller, Env, UserId};
use roster_participant::{Role, State, Subject, Version};
use roster_proto::identity::v1::{
    BatchGetUsersRequest, BatchGetUsersResponse, ListSubjectStatesRequest,
    ListSubjectStatesResponse, ResolveApiKeyRequest, ResolveApiKeyResponse, User,
    VerifyPasswordRequest, VerifyPasswordResponse,
    credential_service_server::{CredentialService, CredentialServiceServer},
    subject_ledger_service_server::{SubjectLedgerService, SubjectLedgerServiceServer},
};
use roster_server::Refusal;
use tokio::sync::Notify;
use tonic::{
    Code, Request, Response, Status,
    body::Body,
    server::{Grpc, NamedService, UnaryService},
    service::Routes,
};

/// The password of every account.
pub const PASSWORD: &str = "correct horse";

type Meanwhile = Pin<Box<dyn Future<Output = ()> + Send>>;

#[derive(Default)]
pub struct FakeIdentity {
    state: Mutex<Known>,
    /// What the next password check is refused with.
    pub refuse_with: Mutex<Option<Status>>,
    /// What happens between the next password check and its answer.
    pub meanwhile: Mutex<Option<Meanwhile>>,
    /// Told when names are asked for, which then is in vain.
    pub mute: Mutex<Option<Arc<Notify>>>,
    /// Who checked passwords, with the time that was left, as sent.
    pub asked: Mutex<Vec<(Caller, Option<String>)>>,
}

#[derive(Default)]
struct Known {
    accounts: HashMap<String, Subject>,
    ledger: Vec<Subject>,
}

impl FakeIdentity {
    /// Adds a regular user.
    pub fn add(&self, env: &Env, username: &str) -> UserId {
        self.put(env, username, Role::User)
    }

    /// Adds an administrator.
    pub fn add_admin(&self, env: &Env, username: &str) -> UserId {
        self.put(env, username, Role::Admin)
    }

    fn put(&self, env: &Env, username: &str, role: Role) -> UserId {
        let subject = Subject {
            user_id: UserId::generate(env),
            version: Version { incarnation: 1, number: 1 },
            session_epoch: 0,
            role,
            state: State::Active,
            password_change_required: false,
        };
        let mut known = self.state.lock().unwrap();
        known.accounts.insert(username.to_owned(), subject);
        known.ledger.push(subject);
        subject.user_id
    }

    pub fn subject(&self, username: &str) -> Subject {
        self.state.lock().unwrap().accounts[username]
    }

    /// Changes a user as identity would: under a new version, noted in the
    /// ledger. Answers the new state.
    pub fn change(&self, username: &str, change: impl FnOnce(&mut Subject)) -> Subject {
        let mut known = self.state.lock().unwrap();
        let subject = known.accounts.get_mut(username).unwrap();
        change(subject);
        subject.version.number += 1;
        let subject = *subject;
        known.ledger.push(subject);
        subject
    }

    pub fn routes(self: &Arc<Self>) -> Routes {
        Routes::new(CredentialServiceServer::from_arc(Arc::clone(self)))
            .add_service(SubjectLedgerServiceServer::from_arc(Arc::clone(self)))
            .add_service(Names(Arc::clone(self)))
    }
}

#[async_trait]
impl CredentialService for FakeIdentity {
    async fn verify_password(
        &self,
        request: Request<VerifyPasswordRequest>,
    ) -> Result<Response<VerifyPasswordResponse>, Status> {
        let caller = request.extensions().get::<Caller>().unwrap().clone();
        let timeout = request.metadata().get("grpc-timeout");
        let timeout = timeout.map(|value| value.to_str().unwrap().to_owned());
        self.asked.lock().unwrap().push((caller, timeout));
        if let Some(status) = self.refuse_with.lock().unwrap().take() {
            return Err(status);
        }
        let request = request.into_inner();
        let found = self.state.lock().unwrap().accounts.get(&request.username).copied();
        let subject = found.filter(|it| request.password == PASSWORD && it.state != State::Deleted);
        let subject = subject.ok_or_else(|| {
            Refusal::new(Code::Unauthenticated, "INVALID_CREDENTIALS", "Not this way")
        })?;
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
        Ok(Response::new(VerifyPasswordResponse { state: Some(subject.into()) }))
    }

    async fn resolve_api_key(
        &self,
        _request: Request<ResolveApiKeyRequest>,
    ) -> Result<Response<ResolveApiKeyResponse>, Status> {
        Err(Status::unimplemented("not asked by the session service"))
    }
}

#[async_trait]
impl SubjectLedgerService for FakeIdentity {
    async fn list_subject_states(
        &self,
        request: Request<ListSubjectStatesRequest>,
    ) -> Result<Response<ListSubjectStatesResponse>, Status> {
        let ledger = self.state.lock().unwrap().ledger.clone();
        let after = usize::try_from(request.into_inner().after_sequence).unwrap();
        let states = ledger.iter().skip(after).map(|subject| (*subject).into()).collect();
        let last_sequence = i64::try_from(ledger.len().max(after)).unwrap();
        Ok(Response::new(ListSubjectStatesResponse {
            states,
            last_sequence,
            incarnation: 1,
            head_sequence: i64::MAX,
        }))
    }
}

/// The one method of `UserAdminService` that the session service calls.
#[derive(Clone)]
struct Names(Arc<FakeIdentity>);

impl NamedService for Names {
    const NAME: &'static str = "roster.identity.v1.UserAdminService";
}

impl tower::Service<http::Request<Body>> for Names {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        assert_eq!(request.uri().path(), "/roster.identity.v1.UserAdminService/BatchGetUsers");
        let method = self.clone();
        Box::pin(async move {
            let mut grpc = Grpc::new(tonic_prost::ProstCodec::default());
            Ok(grpc.unary(method, request).await)
        })
    }
}

impl UnaryService<BatchGetUsersRequest> for Names {
    type Response = BatchGetUsersResponse;
    type Future =
        Pin<Box<dyn Future<Output = Result<Response<BatchGetUsersResponse>, Status>> + Send>>;

    fn call(&mut self, request: Request<BatchGetUsersRequest>) -> Self::Future {
        let Self(identity) = self.clone();
        Box::pin(async move {
            let mute = identity.mute.lock().unwrap().clone();
            if let Some(asked) = mute {
                asked.notify_one();
                std::future::pending::<()>().await;
            }
            let asked = request.into_inner().user_ids;
            let known = identity.state.lock().unwrap();
            let users = known.accounts.iter().filter(|(_, it)| {
                it.state != State::Deleted && asked.contains(&it.user_id.to_string())
            });
            let users = users.map(|(username, subject)| User {
                user_id: subject.user_id.to_string(),
                username: username.clone(),
                display_name: username.to_uppercase(),
                ..User::default()
            });
            Ok(Response::new(BatchGetUsersResponse { users: users.collect() }))
        })
    }
}
