//! An edge whose upstreams note what they are called with.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use axum::{Router, body::Body, extract::Request, response::Response};
use futures_util::{StreamExt, stream};
use http::HeaderMap;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use roster_gateway::{Deps, GatewayConfig};
use roster_kernel::{Caller, Deadline, Env};
use roster_proto::{
    FILE_DESCRIPTOR_SET,
    identity::v1::{
        AuthenticateMachineTokenRequest, AuthenticateMachineTokenResponse, MachineTokenScope,
        machine_authentication_service_server::{
            MachineAuthenticationService, MachineAuthenticationServiceServer,
        },
    },
    session::v1::{
        AuthenticateRequest, AuthenticateResponse,
        authentication_service_server::{AuthenticationService, AuthenticationServiceServer},
    },
};
use roster_server::{Networks, Refusal, Tasks, Upstream, metrics::Meters};
use tokio::sync::Semaphore;
use tonic::{Code, Response as Answer, Status, service::Routes};
use tower::ServiceExt;

pub const USER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
pub const SESSION: &str = "01890a5d-ac96-774b-bcce-b302099a8058";
pub const MACHINE: &str = "01890a5d-ac96-774b-bcce-b302099a8059";
pub const GET_PROFILE: &str = "/roster.identity.v1.AccountService/GetProfile";
pub const LIST_PERSONAS: &str = "/roster.persona.v1.PersonaService/ListPersonas";
pub const CREATE_USER: &str = "/roster.identity.v1.UserAdminService/CreateUser";
pub const ISSUE: &str = "/roster.identity.v1.MachineTokenService/IssueMachineToken";
pub const LIST_USERS: &str = "/roster.identity.v1.UserAdminService/ListUsers";
pub const WATCH: &str = "/roster.identity.v1.UserAdminService/WatchDeletion";
pub const EXPORT: &str = "/roster.identity.v1.UserAdminService/ExportUserData";
pub const HEALTH_WATCH: &str = "/grpc.health.v1.Health/Watch";
pub const LOGIN: &str = "/roster.session.v1.SessionService/Login";

/// What an upstream was called with.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub headers: HeaderMap,
    pub caller: Option<Caller>,
    pub deadline: Option<Deadline>,
}

/// What the session service says of the tokens `user`, `admin` and
/// `temporary`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokens {
    /// That they are what they are called.
    Good,
    /// That their sessions are over.
    Over,
    /// That none is an administrator's.
    Demoted,
    /// That their users must choose a new password.
    Temporary,
    /// That it cannot say.
    Unknown,
    /// Nothing at all.
    Silent,
}

/// Answers by what the tokens are at the moment.
struct Sessions(Arc<Mutex<Tokens>>);

#[async_trait]
impl AuthenticationService for Sessions {
    async fn authenticate(
        &self,
        request: tonic::Request<AuthenticateRequest>,
    ) -> Result<Answer<AuthenticateResponse>, Status> {
        let token = request.into_inner().token;
        let tokens = *self.0.lock().unwrap();
        if tokens == Tokens::Silent {
            std::future::pending::<()>().await;
        }
        if tokens == Tokens::Unknown {
            return Err(Refusal::new(Code::Unavailable, "UNAVAILABLE", "no").into());
        }
        if tokens == Tokens::Over || !["user", "admin", "temporary"].contains(&token.as_str()) {
            return Err(Refusal::new(Code::Unauthenticated, "TOKEN_INVALID", "no").into());
        }
        Ok(Answer::new(AuthenticateResponse {
            user_id: USER.to_owned(),
            session_id: SESSION.to_owned(),
            is_admin: token == "admin" && tokens != Tokens::Demoted,
            password_change_required: token == "temporary" || tokens == Tokens::Temporary,
            expire_time: None,
        }))
    }
}

/// The same of the machine tokens `rmt_admin` and `rmt_read_only`.
struct Machines(Arc<Mutex<Tokens>>);

#[async_trait]
impl MachineAuthenticationService for Machines {
    async fn authenticate_machine_token(
        &self,
        request: tonic::Request<AuthenticateMachineTokenRequest>,
    ) -> Result<Answer<AuthenticateMachineTokenResponse>, Status> {
        let token = request.into_inner().token;
        let tokens = *self.0.lock().unwrap();
        if tokens == Tokens::Silent {
            std::future::pending::<()>().await;
        }
        if tokens == Tokens::Unknown {
            return Err(Refusal::new(Code::Unavailable, "UNAVAILABLE", "no").into());
        }
        let scope = match token.as_str() {
            "rmt_admin" => MachineTokenScope::Admin,
            "rmt_read_only" => MachineTokenScope::ReadOnly,
            _ => MachineTokenScope::Unspecified,
        };
        if tokens == Tokens::Over || scope == MachineTokenScope::Unspecified {
            return Err(Refusal::new(Code::Unauthenticated, "TOKEN_INVALID", "no").into());
        }
        Ok(Answer::new(AuthenticateMachineTokenResponse {
            machine_token_id: MACHINE.to_owned(),
            issued_by: USER.to_owned(),
            scope: scope.into(),
            is_admin: tokens != Tokens::Demoted,
            password_change_required: tokens == Tokens::Temporary,
            expire_time: None,
        }))
    }
}

pub struct Edge {
    router: Router,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// While it has no permits, upstreams do not answer.
    pub gate: Arc<Semaphore>,
    /// What the session service says.
    pub tokens: Arc<Mutex<Tokens>>,
    /// What it does in the background, until a drain begins.
    pub tasks: Tasks,
}

impl Edge {
    pub async fn new(config: &GatewayConfig) -> Self {
        let (_, env) = roster_testkit::env(1);
        Self::with(config, env).await
    }

    pub async fn with(config: &GatewayConfig, env: Env) -> Self {
        Self::behind(config, env, Networks::default()).await
    }

    /// An edge behind proxies that it trusts.
    pub async fn behind(config: &GatewayConfig, env: Env, trusted_proxies: Networks) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let gate = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        let (notes, held) = (Arc::clone(&seen), Arc::clone(&gate));
        let notes = Router::new().fallback(move |request: Request| {
            let (notes, held) = (Arc::clone(&notes), Arc::clone(&held));
            async move {
                notes.lock().unwrap().push(Seen {
                    path: request.uri().path().to_owned(),
                    headers: request.headers().clone(),
                    caller: request.extensions().get().cloned(),
                    deadline: request.extensions().get().copied(),
                });
                let path = request.uri().path().to_owned();
                let _permit = held.acquire().await.unwrap();
                match request.into_body().collect().await {
                    Ok(_) if path == WATCH => quiet(),
                    Ok(_) if path == EXPORT => talkative(),
                    Ok(all) if all.trailers().is_some() => Status::aborted("trailers").into_http(),
                    Ok(_) => answer(),
                    Err(error) => Status::from_error(error.into_inner()).into_http(),
                }
            }
        });
        let noting = Upstream::from(Routes::from(notes));
        let tokens = Arc::new(Mutex::new(Tokens::Good));
        let sessions = AuthenticationServiceServer::new(Sessions(Arc::clone(&tokens)));
        let machines = MachineAuthenticationServiceServer::new(Machines(Arc::clone(&tokens)));
        let deps = Deps {
            env,
            tasks: Tasks::new(),
            descriptors: FILE_DESCRIPTOR_SET,
            packages: HashMap::from([
                ("roster.identity.v1", noting.clone()),
                ("roster.persona.v1", noting.clone()),
                ("roster.session.v1", noting),
            ]),
            session: Upstream::from(Routes::new(sessions)),
            identity: Upstream::from(Routes::new(machines)),
            trusted_proxies,
            probes: Vec::new(),
            meters: Meters::none(),
        };
        let tasks = deps.tasks.clone();
        let router = roster_gateway::build(config, deps).await.unwrap();
        Self { router, seen, gate, tokens, tasks }
    }

    /// Sends a request and answers the response.
    pub async fn send(&self, request: http::Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Calls a method and answers the code and the message.
    pub async fn call(&self, path: &str, headers: &[(&str, &str)]) -> (Code, String) {
        let status = ended(self.send(grpc(path, headers)).await).await;
        (status.code(), status.message().to_owned())
    }

    /// What upstreams were called with since the last time.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

type Frames = Vec<Result<Frame<bytes::Bytes>, std::convert::Infallible>>;

fn first_message() -> Frames {
    vec![Ok(Frame::data(bytes::Bytes::from_static(&[0; 5])))]
}

/// One message, and the status behind it.
fn answer() -> Response {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    let frames = first_message().into_iter().chain([Ok(Frame::trailers(trailers))]);
    Response::new(Body::new(StreamBody::new(stream::iter(frames))))
}

/// One message, and then none for ever.
fn quiet() -> Response {
    let frames = stream::iter(first_message()).chain(stream::pending());
    Response::new(Body::new(StreamBody::new(frames)))
}

/// One message after the other, as fast as they are taken.
fn talkative() -> Response {
    let frames = stream::iter(std::iter::repeat_with(first_message).flatten());
    Response::new(Body::new(StreamBody::new(frames)))
}

/// The status of an answer, wherever it stands.
pub async fn ended(response: Response) -> Status {
    if let Some(status) = Status::from_header_map(response.headers()) {
        return status;
    }
    let all = response.into_body().collect().await.unwrap();
    Status::from_header_map(all.trailers().unwrap()).unwrap()
}

/// A native gRPC call with an empty body.
pub fn grpc(path: &str, headers: &[(&str, &str)]) -> http::Request<Body> {
    let mut request = http::Request::post(path)
        .version(http::Version::HTTP_2)
        .header("content-type", "application/grpc");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}
