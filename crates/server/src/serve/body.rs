//! The two bodies of a call, counted while they are in memory.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody},
};
use http::{HeaderMap, Response};
use hyper::body::{Buf, Frame, Incoming, SizeHint};
use tonic::{Code, Status};

use super::{
    budget::{Budget, Share},
    calls::{Call, Calls, Unread},
};
use crate::Refusal;

/// The refusal of what there is no room for.
pub fn overloaded() -> Status {
    let message = "The server is busy, try again shortly";
    Refusal::new(Code::ResourceExhausted, "OVERLOADED", message)
        .retry_after(Duration::from_secs(1))
        .into()
}

/// The body of a request: what has been read of it counts until the call
/// ends, wherever it has got to by then.
#[derive(Debug)]
pub struct RequestBody {
    body: Incoming,
    share: Arc<Share>,
}

impl RequestBody {
    /// A body whose bytes are added to `share`.
    pub const fn new(body: Incoming, share: Arc<Share>) -> Self {
        Self { body, share }
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(frame.map(|frame| {
            let frame = frame?;
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            if self.share.grow(bytes) { Ok(frame) } else { Err(overloaded().into()) }
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer: as long as it is being sent, its call is open.
#[derive(Debug)]
pub struct AnswerBody {
    body: Body,
    over: bool,
    calls: Arc<Calls>,
    memory: Arc<Budget>,
    /// What the request takes up.
    _request: Arc<Share>,
    _call: Call,
}

impl AnswerBody {
    /// The answer to `call`, whose parts are taken from `memory` until they
    /// are sent.
    pub fn of(
        answer: Response<Body>,
        mut call: Call,
        calls: Arc<Calls>,
        memory: Arc<Budget>,
        request: Arc<Share>,
    ) -> Response<Self> {
        call.answered();
        answer.map(|body| Self { body, over: false, calls, memory, _request: request, _call: call })
    }

    /// A part that is kept until the client has taken it; or the end of the
    /// answer, where the client has left too much unread.
    fn part(&mut self, bytes: Bytes) -> Frame<Part> {
        if let Some(share) = self.memory.take(bytes.len()) {
            return Frame::data(Part { bytes, _share: share, _unread: self.calls.unread() });
        }
        self.over = true;
        self.body = Body::empty();
        let mut trailers = HeaderMap::new();
        // A status that is fit for headers, as this one is, is fit for trailers.
        let _fit = overloaded().add_header(&mut trailers);
        Frame::trailers(trailers)
    }
}

impl HttpBody for AnswerBody {
    type Data = Part;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Part>, axum::Error>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else {
            return Poll::Ready(None);
        };
        Poll::Ready(match frame?.into_data() {
            Ok(bytes) => Some(Ok(self.part(bytes))),
            Err(frame) => frame.into_trailers().ok().map(|trailers| Ok(Frame::trailers(trailers))),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A part of an answer, kept until it is on its way.
#[derive(Debug)]
pub struct Part {
    bytes: Bytes,
    _share: Share,
    _unread: Unread,
}

impl Buf for Part {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}
