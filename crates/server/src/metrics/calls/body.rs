//! The end of an answer: where the status is, and where the time stops.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::body::HttpBody;
use http::Response;
use hyper::body::{Frame, SizeHint};
use tonic::Code;

use super::{OpenCall, code};

/// An answer that is on its way to the caller. Its call is over with its last
/// frame, or when the caller wants no more of it.
#[derive(Debug)]
pub struct MeteredBody<B: HttpBody> {
    body: B,
    call: Option<OpenCall>,
    /// How the call ended when the body does not say.
    silent: Code,
}

impl<B: HttpBody> Drop for MeteredBody<B> {
    fn drop(&mut self) {
        // Whoever has had everything need not ask for the end.
        if let Some(call) = &mut self.call
            && self.body.is_end_stream()
        {
            call.code = self.silent;
        }
    }
}

/// Lets the call end with the answer.
pub(super) fn metered<B: HttpBody>(
    answer: Response<B>,
    mut call: OpenCall,
) -> Response<MeteredBody<B>> {
    let refused = code(answer.headers());
    let silent = if answer.status().is_success() { Code::Ok } else { Code::Unknown };
    let call = match refused {
        // A status in the headers is all that there is.
        Some(code) => {
            call.code = code;
            None
        }
        None => Some(call),
    };
    answer.map(|body| MeteredBody { body, call, silent })
}

impl<B: HttpBody + Unpin> HttpBody for MeteredBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let ended = match &frame {
            Some(Ok(frame)) => frame.trailers_ref().map(|it| code(it).unwrap_or(self.silent)),
            Some(Err(_)) => Some(Code::Internal),
            None => Some(self.silent),
        };
        if let Some(code) = ended
            && let Some(mut call) = self.call.take()
        {
            call.code = code;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
