//! Bounds the calls that are worked on at once: what does not fit is told so
//! at once, while it is cheap, instead of waiting until its caller has gone.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::HeaderMap;
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use tonic::Status;

use super::routing::Routed;
use crate::Error;

/// The places there are.
pub type Places = Arc<Semaphore>;

/// Lets a call in while there is a place for it. The place is free again when
/// the answer is there, all of it: what a service does for an answer it may
/// do while the answer is read, and how long the client takes to read is
/// nobody's work. A stream has another place for as long as it goes on.
pub async fn layer(State(places): State<Places>, request: Request, next: Next) -> Response {
    let Ok(_place) = places.try_acquire() else { return Error::Overloaded.into_response() };
    let stream = request.extensions().get::<Routed>().is_none_or(|it| it.0.access.streams.any());
    let answer = next.run(request).await;
    if stream { answer } else { whole(answer).await }
}

/// The answer with all that it consists of.
async fn whole(answer: Response) -> Response {
    let (head, mut body) = answer.into_parts();
    if body.is_end_stream() {
        return Response::from_parts(head, body);
    }
    let (mut data, mut trailers) = (Vec::<Bytes>::new(), HeaderMap::new());
    while let Some(frame) = body.frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => return Status::from_error(error.into_inner()).into_http(),
        };
        match frame.into_data() {
            Ok(bytes) => data.push(bytes),
            Err(frame) => trailers.extend(frame.into_trailers().unwrap_or_default()),
        }
    }
    let frames = data.into_iter().map(http_body::Frame::data);
    let frames = frames.chain([http_body::Frame::trailers(trailers)]);
    let frames = frames.map(Ok::<_, std::convert::Infallible>);
    let body = http_body_util::StreamBody::new(futures_util::stream::iter(frames));
    Response::from_parts(head, Body::new(body))
}
