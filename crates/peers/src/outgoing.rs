//! Calls to a service of another process.

use std::{convert::Infallible, sync::Arc};

use http::{HeaderName, HeaderValue, Request, Response, Uri, Version, uri::Scheme};
use roster_kernel::{Actor, Caller, Deadline, Env, ServiceName};
use roster_server::{Refusal, Upstream, access, telemetry};
use tonic::{Code, Status, body::Body};
use tower::{service_fn, util::BoxCloneSyncService};

use crate::{
    Identity,
    assertion::{self, Signer},
    origin,
    pool::{Failure, Pool},
};

const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The largest number that a `grpc-timeout` holds.
const MOST_TIMEOUT: u128 = 99_999_999;

/// Which service is called, and where it is.
#[derive(Clone, Debug)]
pub struct Target {
    /// The service: a DNS name of its certificate.
    pub service: ServiceName,
    /// Each `host:port`; every address of every host is a replica.
    pub addresses: Vec<String>,
}

/// The way to `target`, for a service that shows `identity`. Who speaks for
/// users has a `signer`: the gateway. Nothing is connected until it is needed.
#[must_use]
pub fn connect(
    target: Target,
    identity: Arc<Identity>,
    signer: Option<Signer>,
    env: Env,
) -> Upstream {
    let pool = Pool::new(target.service.clone(), target.addresses, identity, env.clone());
    let link = Arc::new(Link { service: target.service, pool, signer, env });
    let remote = service_fn(move |request| {
        let link = Arc::clone(&link);
        async move {
            let answer = link.call(request).await;
            Ok::<_, Infallible>(answer.unwrap_or_else(|refusal| Status::from(refusal).into_http()))
        }
    });
    Upstream::from(BoxCloneSyncService::new(remote))
}

struct Link {
    service: ServiceName,
    pool: Pool,
    signer: Option<Signer>,
    env: Env,
}

impl Link {
    async fn call(&self, mut request: Request<Body>) -> Result<Response<Body>, Refusal> {
        let caller = request.extensions_mut().remove::<Caller>();
        let caller = caller.ok_or_else(access::unauthenticated)?;
        let deadline = request.extensions_mut().remove::<Deadline>();
        *request.version_mut() = Version::HTTP_2;
        self.address(&mut request)?;
        self.introduce(&mut request, &caller)?;
        if let Some(deadline) = deadline {
            let timeout = timeout(deadline, &self.env)?;
            request.headers_mut().insert(TIMEOUT, timeout);
        }
        if let Some(trace) = telemetry::traceparent().and_then(|it| it.try_into().ok()) {
            request.headers_mut().insert(TRACEPARENT, trace);
        }
        let sent = self.pool.send(request);
        let answer = match deadline {
            Some(deadline) => tokio::select! {
                biased;
                answer = sent => answer,
                () = self.env.clock.sleep_until(deadline.0) => return Err(exceeded()),
            },
            None => sent.await,
        };
        answer.map(|answer| answer.map(Body::new)).map_err(|failure| self.failed(&failure))
    }

    /// The method stays; the server is the service.
    fn address(&self, request: &mut Request<Body>) -> Result<(), Refusal> {
        let mut parts = request.uri().clone().into_parts();
        parts.scheme = Some(Scheme::HTTPS);
        parts.authority = self.service.as_str().parse().ok();
        *request.uri_mut() = Uri::from_parts(parts).map_err(|error| Refusal::internal(&error))?;
        Ok(())
    }

    /// Says who calls, in the one way that the service believes.
    fn introduce(&self, request: &mut Request<Body>, caller: &Caller) -> Result<(), Refusal> {
        let headers = request.headers_mut();
        headers.remove(assertion::HEADER);
        headers.remove(origin::HEADER);
        let (name, value) = match &caller.actor {
            Actor::Service(_) => (origin::HEADER, origin::encode(caller)),
            Actor::Anonymous | Actor::User(_) | Actor::Machine(_) => {
                let signer = self.signer.as_ref().ok_or_else(|| Refusal::internal(&Mute))?;
                (assertion::HEADER, signer.sign(caller, &self.service))
            }
        };
        let value = value.and_then(|value| HeaderValue::try_from(value).ok());
        let mut value = value.ok_or_else(|| Refusal::internal(&Mute))?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(())
    }

    fn failed(&self, failure: &Failure) -> Refusal {
        let error: &dyn std::error::Error = failure;
        tracing::warn!(error, service = %self.service, "call to a service failed");
        let (reason, message) = match failure {
            Failure::Unreachable(_) => {
                ("UPSTREAM_UNREACHABLE", "A service cannot be reached, try again shortly")
            }
            Failure::Lost(_) => (
                "UPSTREAM_LOST",
                "The connection to a service broke; the operation may have taken effect",
            ),
        };
        Refusal::new(Code::Unavailable, reason, message)
            .with_metadata("service", self.service.as_str())
            .retry_after(std::time::Duration::from_secs(1))
    }
}

/// A service tries to speak for a user, which is the gateway's to do.
#[derive(Debug, thiserror::Error)]
#[error("the caller cannot be introduced to another service")]
struct Mute;

/// What is left until `deadline`, as gRPC writes it.
fn timeout(deadline: Deadline, env: &Env) -> Result<HeaderValue, Refusal> {
    let left = deadline.remaining(env.now());
    if left.is_zero() {
        return Err(exceeded());
    }
    let text = if left.as_micros() <= MOST_TIMEOUT {
        format!("{}u", left.as_micros())
    } else {
        format!("{}m", left.as_millis().min(MOST_TIMEOUT))
    };
    HeaderValue::try_from(text).map_err(|error| Refusal::internal(&error))
}

fn exceeded() -> Refusal {
    let message = "The deadline passed before the operation ended; it may have taken effect";
    Refusal::new(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", message)
}
