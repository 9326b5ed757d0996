//! A service that does what its caller tells it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
};

use roster_kernel::{Caller, Deadline, Env, ServiceName};
use roster_proto::{
    session::v1::{
        AuthenticateRequest, AuthenticateResponse,
        authentication_service_client::AuthenticationServiceClient,
        authentication_service_server::{AuthenticationService, AuthenticationServiceServer},
    },
    subject::v1::{
        CountSubjectDataRequest, CountSubjectDataResponse, ExportSubjectDataRequest,
        ExportSubjectDataResponse, ListSubjectsRequest, ListSubjectsResponse,
        SumSubjectDataRequest, SumSubjectDataResponse,
        subject_data_service_client::SubjectDataServiceClient,
        subject_data_service_server::{SubjectDataService, SubjectDataServiceServer},
    },
};
use roster_server::{AccessTable, PeerAddr, ServiceStack, Upstream};
use roster_testkit::MockClock;
pub use roster_testkit::eventually;
use tokio::sync::Notify;
use tokio_stream::Stream;
use tonic::{Request, Response, Status, service::Routes};
use tonic_types::StatusExt;

/// Says to answer at once; so does anything else that is not below.
pub const ANSWER: &str = "answer";
/// Says to panic.
pub const PANIC: &str = "panic";
/// Says to wait until released.
pub const WAIT: &str = "wait";

/// Does as it is told, and remembers what it was given.
#[derive(Default)]
pub struct Puppet {
    /// Told when a call that waits has arrived.
    pub arrived: Notify,
    /// Lets a call that waits go on.
    pub release: Notify,
    /// What came with the last call.
    pub seen: Mutex<Seen>,
}

#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub caller: Option<Caller>,
    pub deadline: Option<Deadline>,
    pub peer: Option<PeerAddr>,
}

impl Puppet {
    fn see<T>(&self, request: &Request<T>) {
        let extensions = request.extensions();
        *self.seen.lock().unwrap() = Seen {
            caller: extensions.get().cloned(),
            deadline: extensions.get().copied(),
            peer: extensions.get().copied(),
        };
    }

    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

#[tonic::async_trait]
impl AuthenticationService for Puppet {
    async fn authenticate(
        &self,
        request: Request<AuthenticateRequest>,
    ) -> Result<Response<AuthenticateResponse>, Status> {
        self.see(&request);
        match request.get_ref().token.as_str() {
            PANIC => panic!("told to"),
            WAIT => {
                self.arrived.notify_one();
                self.release.notified().await;
            }
            _ => {}
        }
        Ok(Response::new(AuthenticateResponse::default()))
    }
}

#[tonic::async_trait]
impl SubjectDataService for Puppet {
    async fn count_subject_data(
        &self,
        _request: Request<CountSubjectDataRequest>,
    ) -> Result<Response<CountSubjectDataResponse>, Status> {
        Ok(Response::new(CountSubjectDataResponse::default()))
    }

    async fn sum_subject_data(
        &self,
        _request: Request<SumSubjectDataRequest>,
    ) -> Result<Response<SumSubjectDataResponse>, Status> {
        Err(Status::unimplemented("not asked for"))
    }

    type ExportSubjectDataStream =
        Pin<Box<dyn Stream<Item = Result<ExportSubjectDataResponse, Status>> + Send>>;

    /// One message, and then none for ever.
    async fn export_subject_data(
        &self,
        request: Request<ExportSubjectDataRequest>,
    ) -> Result<Response<Self::ExportSubjectDataStream>, Status> {
        self.see(&request);
        let once = tokio_stream::once(Ok(ExportSubjectDataResponse::default()));
        let stream = tokio_stream::StreamExt::chain(once, tokio_stream::pending());
        Ok(Response::new(Box::pin(stream)))
    }

    async fn list_subjects(
        &self,
        _request: Request<ListSubjectsRequest>,
    ) -> Result<Response<ListSubjectsResponse>, Status> {
        Err(Status::unimplemented("not asked for"))
    }
}

pub struct World {
    pub clock: Arc<MockClock>,
    pub env: Env,
    pub puppet: Arc<Puppet>,
    pub routes: Routes,
}

impl World {
    pub fn new() -> Self {
        let (clock, env) = roster_testkit::env(1);
        let puppet = Arc::new(Puppet::default());
        let routes = Routes::new(AuthenticationServiceServer::from_arc(Arc::clone(&puppet)))
            .add_service(SubjectDataServiceServer::from_arc(Arc::clone(&puppet)));
        let access = AccessTable::new(roster_proto::FILE_DESCRIPTOR_SET).unwrap();
        let routes = ServiceStack::new(access, env.clone()).wrap(routes);
        Self { clock, env, puppet, routes }
    }

    pub fn client(&self) -> AuthenticationServiceClient<Upstream> {
        AuthenticationServiceClient::new(Upstream::from(self.routes.clone()))
    }

    pub fn streams(&self) -> SubjectDataServiceClient<Upstream> {
        SubjectDataServiceClient::new(Upstream::from(self.routes.clone()))
    }
}

pub fn service() -> Caller {
    Caller::service(ServiceName::parse("gateway").unwrap())
}

/// What a service sends to have `order` carried out.
pub fn order(order: &str) -> Request<AuthenticateRequest> {
    let mut request = Request::new(AuthenticateRequest { token: order.to_owned() });
    request.extensions_mut().insert(service());
    request
}

pub fn within<T>(mut request: Request<T>, timeout: &str) -> Request<T> {
    request.metadata_mut().insert("grpc-timeout", timeout.parse().unwrap());
    request
}

/// The reason of a refusal.
pub fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}
