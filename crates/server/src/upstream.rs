//! The way from one service to another.

use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use futures_util::future::Either;
use tonic::{Code, body::Body, service::Routes};
use tower::Service;

use crate::Refusal;

/// Another service, as a transport for generated clients. Cheap to clone.
///
/// Services refer to each other in a circle, so the other one may come into
/// being later: until then every call answers UNAVAILABLE.
#[derive(Clone, Default)]
pub struct Upstream {
    routes: Arc<OnceLock<Routes>>,
}

/// The other end of an [`Upstream`].
#[derive(Debug)]
pub struct Connect(Upstream);

impl Upstream {
    /// A service of the same process that is to be connected.
    #[must_use]
    pub fn in_process() -> (Self, Connect) {
        let upstream = Self::default();
        (upstream.clone(), Connect(upstream))
    }
}

impl Connect {
    /// Connects the service.
    pub fn to(self, routes: Routes) {
        // `Connect` is consumed, and nobody else can set it.
        let _first = self.0.routes.set(routes.prepare());
    }
}

impl From<Routes> for Upstream {
    fn from(routes: Routes) -> Self {
        let (upstream, connect) = Self::in_process();
        connect.to(routes);
        upstream
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connected = self.routes.get().is_some();
        f.debug_struct("Upstream").field("connected", &connected).finish()
    }
}

type Call = <Routes as Service<http::Request<Body>>>::Future;

impl Service<http::Request<Body>> for Upstream {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Either<Call, Ready<Result<http::Response<Body>, Infallible>>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if let Some(routes) = self.routes.get() {
            return Either::Left(routes.clone().call(request));
        }
        let refusal = Refusal::new(Code::Unavailable, "STARTING", "The service is starting");
        Either::Right(ready(Ok(tonic::Status::from(refusal).into_http())))
    }
}
