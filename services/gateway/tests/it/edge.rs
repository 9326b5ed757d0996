//! An edge whose upstreams note what they are called with.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use axum::{Router, body::Body, extract::Request, response::Response};
use http::HeaderMap;
use roster_gateway::{Deps, GatewayConfig};
use roster_kernel::{Caller, Deadline, Env};
use roster_proto::{
    FILE_DESCRIPTOR_SET,
    session::v1::{
        AuthenticateRequest, AuthenticateResponse,
        authentication_service_server::{AuthenticationService, AuthenticationServiceServer},
    },
};
use roster_server::{Refusal, Tasks, Upstream, metrics::Meters};
use tokio::sync::Semaphore;
use tonic::{Code, Response as Answer, Status, service::Routes};
use tower::ServiceExt;

pub const USER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
pub const SESSION: &str = "01890a5d-ac96-774b-bcce-b302099a8058";
pub const GET_PROFILE: &str = "/roster.identity.v1.AccountService/GetProfile";
pub const LIST_PERSONAS: &str = "/roster.persona.v1.PersonaService/ListPersonas";
pub const LIST_USERS: &str = "/roster.identity.v1.UserAdminService/ListUsers";
pub const LOGIN: &str = "/roster.session.v1.SessionService/Login";

/// What an upstream was called with.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub headers: HeaderMap,
    pub caller: Option<Caller>,
    pub deadline: Option<Deadline>,
}

/// Knows the tokens `user`, `admin` and `temporary`.
struct Tokens;

#[async_trait]
impl AuthenticationService for Tokens {
    async fn authenticate(
        &self,
        request: tonic::Request<AuthenticateRequest>,
    ) -> Result<Answer<AuthenticateResponse>, Status> {
        let token = request.into_inner().token;
        if !["user", "admin", "temporary"].contains(&token.as_str()) {
            return Err(Refusal::new(Code::Unauthenticated, "TOKEN_INVALID", "no").into());
        }
        Ok(Answer::new(AuthenticateResponse {
            user_id: USER.to_owned(),
            session_id: SESSION.to_owned(),
            is_admin: token == "admin",
            password_change_required: token == "temporary",
            expire_time: None,
        }))
    }
}

pub struct Edge {
    router: Router,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// While it has no permits, upstreams do not answer.
    pub gate: Arc<Semaphore>,
    _tasks: Tasks,
}

impl Edge {
    pub async fn new(config: &GatewayConfig) -> Self {
        let (_, env) = roster_testkit::env(1);
        Self::with(config, env).await
    }

    pub async fn with(config: &GatewayConfig, env: Env) -> Self {
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
                let _permit = held.acquire().await.unwrap();
                match axum::body::to_bytes(request.into_body(), usize::MAX).await {
                    Ok(_) => Status::ok("noted").into_http::<Body>(),
                    Err(error) => Status::from_error(error.into_inner()).into_http(),
                }
            }
        });
        let noting = Upstream::from(Routes::from(notes));
        let deps = Deps {
            env,
            tasks: Tasks::new(),
            descriptors: FILE_DESCRIPTOR_SET,
            packages: HashMap::from([
                ("roster.identity.v1", noting.clone()),
                ("roster.persona.v1", noting.clone()),
                ("roster.session.v1", noting),
            ]),
            session: Upstream::from(Routes::new(AuthenticationServiceServer::new(Tokens))),
            probes: Vec::new(),
            meters: Meters::none(),
        };
        let tasks = deps.tasks.clone();
        let router = roster_gateway::build(config, deps).await.unwrap();
        Self { router, seen, gate, _tasks: tasks }
    }

    /// Sends a request and answers the response.
    pub async fn send(&self, request: http::Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Calls a method and answers the code and the message.
    pub async fn call(&self, path: &str, headers: &[(&str, &str)]) -> (Code, String) {
        let response = self.send(grpc(path, headers)).await;
        let status = Status::from_header_map(response.headers()).unwrap();
        (status.code(), status.message().to_owned())
    }

    /// What upstreams were called with since the last time.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

/// A native gRPC call with an empty body.
pub fn grpc(path: &str, headers: &[(&str, &str)]) -> http::Request<Body> {
    let mut request = http::Request::post(path).header("content-type", "application/grpc");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}
