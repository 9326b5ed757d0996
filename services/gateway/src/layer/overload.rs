//! Bounds the calls that are worked on at once: what does not fit is told so
//! at once, while it is cheap, instead of waiting until its caller has gone.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::sync::Semaphore;

use crate::Error;

/// The places there are.
pub type Places = Arc<Semaphore>;

/// Lets a call in while there is a place for it.
pub async fn layer(State(places): State<Places>, request: Request, next: Next) -> Response {
    match places.try_acquire() {
        Ok(_place) => next.run(request).await,
        Err(_) => Error::Overloaded.into_response(),
    }
}
