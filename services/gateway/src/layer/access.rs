//! Holds the access rule of the routed method.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use roster_kernel::Caller;

use super::routing::Routed;
use crate::Error;

/// Refuses callers that the method is not open to.
pub async fn layer(request: Request, next: Next) -> Response {
    let extensions = request.extensions();
    let (Some(routed), Some(caller)) = (extensions.get::<Routed>(), extensions.get::<Caller>())
    else {
        return Error::UnknownMethod.into_response();
    };
    match routed.0.access.decide(&caller.actor) {
        Ok(()) => next.run(request).await,
        Err(refusal) => Error::Access(refusal).into_response(),
    }
}
