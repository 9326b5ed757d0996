//! Bounds the streams that are open at once: they cost little, but may go on
//! for ever.

use std::{
    collections::HashMap,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body::{Frame, SizeHint};
use roster_kernel::{Caller, UserId};
use roster_server::networks::client_of;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::routing::Routed;
use crate::Error;

/// Who a stream is counted for: a user, wherever from and whether with a session
/// or a machine token, and an address where nobody is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Owner {
    User(UserId),
    Address(Option<IpAddr>),
}

/// The places for streams.
#[derive(Clone, Debug)]
pub struct Streams {
    whole: Arc<Semaphore>,
    per_caller: usize,
    open: Arc<Mutex<HashMap<Owner, usize>>>,
}

/// A stream's place.
#[derive(Debug)]
struct Place {
    owner: Owner,
    open: Arc<Mutex<HashMap<Owner, usize>>>,
    _of_whole: OwnedSemaphorePermit,
}

impl Streams {
    /// Room for `whole` streams, and for `per_caller` of each caller.
    pub fn new(whole: usize, per_caller: usize) -> Self {
        Self { whole: Arc::new(Semaphore::new(whole)), per_caller, open: Arc::default() }
    }

    fn take(&self, owner: Owner) -> Option<Place> {
        let permit = Arc::clone(&self.whole).try_acquire_owned().ok()?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(owner).or_default();
        if *count >= self.per_caller {
            return None;
        }
        *count += 1;
        Some(Place { owner, open: Arc::clone(&self.open), _of_whole: permit })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.owner) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.owner);
            }
        }
    }
}

/// Gives a stream a place until its end.
pub async fn layer(State(streams): State<Streams>, request: Request, next: Next) -> Response {
    let extensions = request.extensions();
    if extensions.get::<Routed>().is_some_and(|it| !it.0.access.streams.any()) {
        return next.run(request).await;
    }
    let Some(place) = streams.take(owner(extensions.get::<Caller>())) else {
        return Error::TooManyStreams.into_response();
    };
    next.run(request).await.map(|body| Body::new(Placed { body, _place: place }))
}

fn owner(caller: Option<&Caller>) -> Owner {
    let address = || caller.and_then(|caller| caller.origin.address).map(client_of);
    let user = caller.and_then(|caller| caller.actor.user_id());
    user.map_or_else(|| Owner::Address(address()), Owner::User)
}

/// A stream that has a place.
struct Placed {
    body: Body,
    _place: Place,
}

impl HttpBody for Placed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
