//! What stands in front of every service, whoever calls it.

use std::any::Any;

use axum::{
    extract::{Request, State},
    middleware::{Next, from_fn, from_fn_with_state},
    response::Response,
};
use roster_kernel::{Caller, Env};
use tonic::{Code, Status, service::Routes};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    AccessTable, Refusal, access,
    deadline::{DeadlineLayer, TimeLimits},
    malformed,
    metrics::{CallMeter, Layer, MeterLayer, Meters},
    trace::TraceLayer,
};

/// The layers of a service.
#[derive(Clone, Debug)]
pub struct ServiceStack {
    access: AccessTable,
    env: Env,
    limits: TimeLimits,
    calls: CallMeter,
}

impl ServiceStack {
    /// A stack that holds the rules of `access`.
    #[must_use]
    pub fn new(access: AccessTable, env: Env) -> Self {
        let calls = CallMeter::new(&Meters::none(), Layer::Service, &access, &[]);
        Self { access, env, limits: TimeLimits::default(), calls }
    }

    /// The same stack, which also counts and times the calls.
    #[must_use]
    pub fn measured(mut self, meters: &Meters) -> Self {
        self.calls = CallMeter::new(meters, Layer::Service, &self.access, &[]);
        self
    }

    /// Puts the stack in front of `routes`. The result is a transport for
    /// generated clients as `routes` was.
    pub fn wrap(&self, routes: Routes) -> Routes {
        let deadline = DeadlineLayer::new(self.env.clock.clone(), self.limits)
            .with_streams(self.access.clone());
        let layers = ServiceBuilder::new()
            // Every call is counted, however it ends.
            .layer(MeterLayer::new(self.calls.clone()))
            // One span per call, so that whatever happens within has a name.
            .layer(TraceLayer)
            // A defect in a method answers INTERNAL and ends nothing else.
            .layer(CatchPanicLayer::custom(panicked))
            // In process nothing else enforces the caller's patience.
            .layer(deadline)
            // A service does not depend on who stands in front of it.
            .layer(from_fn_with_state(self.access.clone(), check_access))
            // What cannot be read is the client's fault, and no defect.
            .layer(from_fn(malformed::layer));
        Routes::from(routes.into_axum_router().layer(layers))
    }
}

async fn check_access(State(table): State<AccessTable>, request: Request, next: Next) -> Response {
    match allow(&table, &request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => Status::from(refusal).into_http(),
    }
}

fn allow(table: &AccessTable, request: &Request) -> Result<(), Refusal> {
    let rule = table.find(request.uri().path()).ok_or_else(|| {
        Refusal::new(Code::Unimplemented, "METHOD_UNKNOWN", "There is no such method")
    })?;
    // Without a caller nobody has looked at the call: that is no anonymous
    // caller, but a way around the edge.
    let caller = request.extensions().get::<Caller>().ok_or_else(access::unauthenticated)?;
    rule.decide(&caller.actor)
}

/// The answer of a method that panicked. What the panic said has been logged
/// by the panic hook.
pub fn panicked(_payload: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a call panicked");
    let refusal =
        Refusal::new(Code::Internal, "INTERNAL", "An internal error occurred; it has been logged");
    Status::from(refusal).into_http()
}
