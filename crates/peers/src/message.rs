//! The message of a call, as the connection takes it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tonic::{Status, body::Body};

/// What is sent after the head of a call. Each clone is the same message: as long
/// as no connection has asked for it, another one can.
#[derive(Clone, Debug)]
pub struct Message(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    body: Body,
    asked_for: bool,
}

impl Message {
    pub fn new(body: Body) -> Self {
        // An empty one is sent with the head.
        let asked_for = body.is_end_stream();
        Self(Arc::new(Mutex::new(State { body, asked_for })))
    }

    /// Whether any of it may have been sent. No method begins before it has its
    /// message, so until then the call has not been made.
    pub fn is_asked_for(&self) -> bool {
        self.state().asked_for
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Message {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut state = self.state();
        state.asked_for = true;
        Pin::new(&mut state.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.state().body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.state().body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Waker},
    };

    use hyper::body::{Body as _, Bytes};
    use tonic::body::Body;

    use super::Message;

    fn body(text: &'static str) -> Body {
        Body::new(axum::body::Body::from(Bytes::from_static(text.as_bytes())))
    }

    #[test]
    fn a_message_can_be_had_back_until_it_is_asked_for() {
        let message = Message::new(body("a message"));
        let sent = message.clone();
        assert!(!sent.is_end_stream());
        assert_eq!(sent.size_hint().exact(), Some(9));
        // A connection that looks at it, and is told to take no more calls.
        drop(sent);
        assert!(!message.is_asked_for());
        let mut sent = pin!(message.clone());
        let frame = sent.as_mut().poll_frame(&mut Context::from_waker(Waker::noop()));
        assert!(frame.is_ready());
        assert!(message.is_asked_for());
    }

    #[test]
    fn an_empty_message_goes_with_the_head() {
        assert!(Message::new(Body::empty()).is_asked_for());
    }
}
