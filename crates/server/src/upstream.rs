//! The way from one service to another.

use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::Either;
use tonic::{Code, body::Body, service::Routes};
use tower::Service;

use crate::Refusal;

/// Another service, as a transport for generated clients. Cheap to clone.
///
/// Services refer to each other in a circle, so the other one may come into
/// being later, and has to go first: while it is not connected, every call
/// answers UNAVAILABLE.
#[derive(Clone, Default)]
pub struct Upstream {
    routes: Arc<RwLock<Option<Routes>>>,
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

    fn routes(&self) -> Option<Routes> {
        self.routes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, routes: Option<Routes>) {
        *self.routes.write().unwrap_or_else(PoisonError::into_inner) = routes;
    }
}

impl Connect {
    /// Connects the service.
    pub fn to(&self, routes: Routes) {
        self.0.set(Some(routes.prepare()));
    }

    /// Ends the connection. Services that hold each other would otherwise
    /// never be freed.
    pub fn cut(&self) {
        self.0.set(None);
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
        let connected = self.routes().is_some();
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
        if let Some(mut routes) = self.routes() {
            return Either::Left(routes.call(request));
        }
        let message = "The service is starting or stopping, try again shortly";
        let refusal = Refusal::new(Code::Unavailable, "NOT_CONNECTED", message)
            .retry_after(Duration::from_secs(1));
        Either::Right(ready(Ok(tonic::Status::from(refusal).into_http())))
    }
}
