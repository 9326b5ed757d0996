//! The way from one service to another.

use std::{
    convert::Infallible,
    fmt,
    future::ready,
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::{BoxFuture, Either};
use tonic::{Code, Status, body::Body, service::Routes};
use tower::{Service, util::BoxCloneSyncService};

use crate::Refusal;

/// A service that is reached over the network.
pub type Remote = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Infallible>;

/// Another service, of this process or of another one, as a transport for
/// generated clients. Cheap to clone.
///
/// Services refer to each other in a circle, so the other one may come into
/// being later, and has to go first: while it is not connected, every call
/// answers UNAVAILABLE.
#[derive(Clone, Default)]
pub struct Upstream {
    end: Arc<RwLock<Option<End>>>,
}

/// Where an upstream leads.
#[derive(Clone)]
enum End {
    InProcess(Routes),
    Remote(Remote),
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

    fn end(&self) -> Option<End> {
        self.end.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, end: Option<End>) {
        *self.end.write().unwrap_or_else(PoisonError::into_inner) = end;
    }
}

impl Connect {
    /// Connects the service.
    pub fn to(&self, routes: Routes) {
        self.0.set(Some(End::InProcess(routes.prepare())));
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

impl From<Remote> for Upstream {
    fn from(remote: Remote) -> Self {
        let upstream = Self::default();
        upstream.set(Some(End::Remote(remote)));
        upstream
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connected = self.end().is_some();
        f.debug_struct("Upstream").field("connected", &connected).finish()
    }
}

type Call = <Routes as Service<http::Request<Body>>>::Future;

impl Service<http::Request<Body>> for Upstream {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Either<Call, BoxFuture<'static, Result<http::Response<Body>, Infallible>>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        match self.end() {
            Some(End::InProcess(mut routes)) => Either::Left(routes.call(request)),
            Some(End::Remote(mut remote)) => Either::Right(remote.call(request)),
            None => Either::Right(Box::pin(ready(Ok(not_connected().into_http())))),
        }
    }
}

fn not_connected() -> Status {
    let message = "The service is starting or stopping, try again shortly";
    Refusal::new(Code::Unavailable, "NOT_CONNECTED", message)
        .retry_after(Duration::from_secs(1))
        .into()
}
