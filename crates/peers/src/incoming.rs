//! Who calls a service from another process.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderName};
use roster_kernel::{Actor, Caller, Origin, ServiceName};
use roster_server::{PeerAddr, PeerService, Refusal};
use tonic::{Code, Status};

use crate::{AllowList, GATEWAY, assertion, assertion::Verifier, origin};

/// What decides who may come in.
#[derive(Clone, Debug)]
pub struct Gate {
    /// Reads for whom the gateway calls.
    pub verifier: Verifier,
    /// Which services may call on their own account.
    pub allow: AllowList,
}

/// Attaches the [`Caller`], or refuses the call. Stands in front of a
/// service's own stack, on connections whose peers have shown certificates.
pub async fn layer(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    match gate.caller(&request) {
        Ok(caller) => {
            let headers = request.headers_mut();
            headers.remove(assertion::HEADER);
            headers.remove(origin::HEADER);
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refusal) => {
            tracing::warn!(reason = refusal.reason(), "call between services refused");
            Status::from(refusal).into_http()
        }
    }
}

impl Gate {
    fn caller(&self, request: &Request) -> Result<Caller, Refusal> {
        let peer = request.extensions().get::<PeerService>().map(|peer| &peer.0);
        let peer = peer.ok_or_else(|| {
            let message = "The certificate does not name a service of this installation";
            Refusal::new(Code::Unauthenticated, "PEER_UNKNOWN", message)
        })?;
        let asserted = only(request.headers(), &assertion::HEADER)?;
        let told = only(request.headers(), &origin::HEADER)?;
        match asserted {
            Some(asserted) if *peer == GATEWAY => Ok(self.verifier.verify(asserted)?),
            Some(_) => {
                let message = "Only the gateway speaks for others";
                Err(Refusal::new(Code::Unauthenticated, "ASSERTION_PEER", message))
            }
            None if self.allow.allows(peer, request.uri().path()) => {
                self.service(peer, told, request)
            }
            None => {
                let message = format!("{peer} may not call this method");
                Err(Refusal::new(Code::PermissionDenied, "PEER_NOT_ALLOWED", message))
            }
        }
    }

    /// A service that calls on its own account. Roster's own say which call
    /// theirs belongs to; one of another's begins here, and gets a name.
    fn service(
        &self,
        peer: &ServiceName,
        told: Option<&str>,
        request: &Request,
    ) -> Result<Caller, Refusal> {
        let (origin, correlation_id) = if let Some(told) = told {
            origin::decode(told).ok_or_else(|| malformed(&origin::HEADER))?
        } else {
            let address = request.extensions().get().map(|PeerAddr(peer)| peer.ip());
            let origin = Origin { address, ..Origin::default() };
            (origin, self.verifier.env().uuid().to_string())
        };
        Ok(Caller { actor: Actor::Service(peer.clone()), origin, correlation_id })
    }
}

/// The one value of a header. One that is there twice is an attempt to have
/// two readers see different things.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| malformed(name)),
        (Some(_), Some(_)) => Err(malformed(name)),
    }
}

fn malformed(name: &HeaderName) -> Refusal {
    Refusal::new(Code::Unauthenticated, "HEADER_MALFORMED", format!("{name} is malformed"))
}
