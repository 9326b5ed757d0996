//! HTTP for browsers, and for everybody who does not speak gRPC: JSON, gRPC-Web
//! and pages. Each of them ends in a call that goes through the layers of the
//! edge as a native one does: there is one place that decides who may call what.

pub mod call;
pub mod cookie;
mod cors;
mod credentials;
mod grpc_web;
mod headers;
mod host;
mod json;
mod refusal;
pub mod sign_in;
mod stream;

use axum::{
    Router,
    extract::{Request, State},
    http::{Method, header},
    middleware::{from_fn, from_fn_with_state},
    response::Response,
};
use roster_kernel::Env;
use roster_server::{Networks, Upstream};
use roster_transcode::{InvalidRule, Routes};
use tower::{ServiceBuilder, ServiceExt as _, util::option_layer};
use tower_http::{
    catch_panic::CatchPanicLayer, csrf::CsrfLayer, sensitive_headers::SetSensitiveHeadersLayer,
};

pub use self::cors::is_origin;
use self::{call::Native, cors::Origins, credentials::Browsers, json::Json};
use crate::{Error, GatewayConfig, docs, layer::correlation, panel, service::CREDENTIALS};

/// What a path of JSON begins with.
const API: &str = "/api/";

/// What HTTP is served from.
#[derive(Debug)]
pub struct Deps {
    /// Time and randomness.
    pub env: Env,
    /// The edge, for calls in gRPC.
    pub native: Router,
    /// What the contracts say about HTTP.
    pub routes: Routes,
    /// Who is believed about where calls come from.
    pub proxies: Networks,
}

/// Both: calls in gRPC, and everything else.
#[derive(Clone, Debug)]
struct Protocols {
    native: Native,
    web: Router,
}

/// What there is beside native gRPC.
#[derive(Clone, Debug)]
struct Web {
    native: Native,
    api: Router,
    pages: Router,
}

/// Reads what the contracts say about HTTP.
pub fn routes(descriptors: &[u8]) -> Result<Routes, BadContract> {
    let pool = prost_reflect::DescriptorPool::decode(descriptors)?;
    Ok(Routes::new(&pool)?)
}

/// Contracts that cannot be served over HTTP.
#[derive(Debug, thiserror::Error)]
pub enum BadContract {
    /// They cannot be read.
    #[error("the contracts cannot be read")]
    Descriptors(#[from] prost_reflect::DescriptorError),
    /// A rule cannot be followed.
    #[error(transparent)]
    Rule(#[from] InvalidRule),
}

/// Puts HTTP beside calls in gRPC.
pub fn router(config: &GatewayConfig, deps: Deps) -> Router {
    let native = Native::new(deps.native.clone());
    let edge = Upstream::from(tonic::service::Routes::from(deps.native));
    let json = Json::new(config, &deps.env, deps.routes, native.clone());
    let pages = panel::router(edge, deps.env.clone());
    let api = docs::router().fallback(async move |request| json.answer(request).await);
    let web = Web { native: native.clone(), api, pages };
    let origins = Origins::new(&config.cors_origins);
    let browsers = Browsers { proxies: deps.proxies.clone(), origins: origins.clone() };
    let layers = ServiceBuilder::new()
        // Nothing below shows a credential, whatever it prints of a request.
        .layer(SetSensitiveHeadersLayer::new(CREDENTIALS.into_iter().chain([header::SET_COOKIE])))
        // A browser is told what not to do with the answer, whatever it is.
        .layer(from_fn_with_state(deps.proxies, headers::layer))
        // A defect answers 500, and the process goes on.
        .layer(CatchPanicLayer::custom(|_| refusal::of(Error::Defect)))
        // Every answer has a name, in logs and in the audit trail.
        .layer(from_fn_with_state(deps.env, correlation::layer))
        // Which host is meant is said once.
        .layer(from_fn(host::layer))
        // Pages of other origins see nothing, unless they are configured.
        .layer(option_layer((!config.cors_origins.is_empty()).then(|| origins.layer())))
        // Pages of other sites change nothing.
        .layer(csrf(&origins))
        // The cookie of a browser is its token.
        .layer(from_fn_with_state(browsers, credentials::layer));
    let web = Router::new().fallback(answer).with_state(web).layer(layers);
    Router::new().fallback(either).with_state(Protocols { native, web })
}

type Refused = fn(tower_http::csrf::ProtectionError) -> Response;

fn csrf(origins: &Origins) -> CsrfLayer<Refused> {
    let refused: Refused = |_| refusal::of(Error::CrossOrigin);
    // What is no origin is refused as a setting.
    let trusted =
        |layer: CsrfLayer, origin| layer.clone().add_trusted_origin(origin).unwrap_or(layer);
    origins.iter().fold(CsrfLayer::new(), trusted).with_rejection_response(refused)
}

async fn either(State(protocols): State<Protocols>, request: Request) -> Response {
    if is_native(&request) {
        return protocols.native.forward(request).await;
    }
    match protocols.web.oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

/// Whether a request is for native gRPC: by what it says it is, or else by its
/// path, `/package.Service/Method`, so that a program that gets the rest wrong is
/// told so in its own protocol.
fn is_native(request: &Request) -> bool {
    let content = request.headers().get(header::CONTENT_TYPE).map_or(&b""[..], |it| it.as_bytes());
    // What a browser asks before it calls says nothing about itself.
    let preflight = request.method() == Method::OPTIONS && content.is_empty();
    if preflight || content.starts_with(b"application/grpc-web") {
        return false;
    }
    let path = request.uri().path().strip_prefix('/').and_then(|path| path.split_once('/'));
    let names_a_method = path.is_some_and(|(service, _method)| service.contains('.'));
    content.starts_with(b"application/grpc") || names_a_method
}

async fn answer(State(web): State<Web>, request: Request) -> Response {
    if grpc_web::is_meant(request.headers()) {
        return grpc_web::call(web.native, request).await;
    }
    let api = request.uri().path().starts_with(API);
    match if api { web.api } else { web.pages }.oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}
