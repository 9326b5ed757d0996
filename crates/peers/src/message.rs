//! The message of a call, as the connection takes it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tonic::{Status, body::Body};

/// What is sent after the head of a call. Each clone is the same message from its
/// beginning: what one connection has taken of it, another can have again.
#[derive(Debug)]
pub struct Message {
    shared: Arc<Mutex<Shared>>,
    /// How many frames have been taken here.
    taken: usize,
}

#[derive(Debug)]
struct Shared {
    body: Body,
    /// What has been read of the body. A message is bounded where it comes in.
    read: Vec<Bytes>,
    asked_for: bool,
}

impl Message {
    pub fn new(body: Body) -> Self {
        // An empty one is sent with the head.
        let asked_for = body.is_end_stream();
        let shared = Shared { body, read: Vec::new(), asked_for };
        Self { shared: Arc::new(Mutex::new(shared)), taken: 0 }
    }

    /// Whether any of it may have been sent. No method begins before it has its
    /// message, so until then the call has not been made.
    pub fn is_asked_for(&self) -> bool {
        self.shared().asked_for
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for Message {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), taken: 0 }
    }
}

impl HttpBody for Message {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let taken = self.taken;
        let mut shared = self.shared();
        shared.asked_for = true;
        let again = shared.read.get(taken).cloned();
        let frame = match again {
            Some(data) => Some(Ok(Frame::data(data))),
            None => ready!(Pin::new(&mut shared.body).poll_frame(cx)),
        };
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            if taken == shared.read.len() {
                shared.read.push(data.clone());
            }
            drop(shared);
            self.taken += 1;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        let shared = self.shared();
        self.taken == shared.read.len() && shared.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let shared = self.shared();
        let again: usize = shared.read.iter().skip(self.taken).map(Bytes::len).sum();
        let (left, again) = (shared.body.size_hint(), again as u64);
        let mut hint = SizeHint::new();
        if let Some(upper) = left.upper() {
            hint.set_upper(upper + again);
        }
        hint.set_lower(left.lower() + again);
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use hyper::body::{Body as _, Bytes};
    use tonic::body::Body;

    use super::Message;

    fn body(text: &'static str) -> Body {
        Body::new(axum::body::Body::from(Bytes::from_static(text.as_bytes())))
    }

    #[test]
    fn a_message_can_be_had_again_and_says_whether_it_was() {
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
        assert!(sent.is_end_stream() && message.is_asked_for());
        let mut again = pin!(message.clone());
        assert_eq!(again.size_hint().exact(), Some(9));
        let frame = again.as_mut().poll_frame(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(Some(Ok(frame))) = frame else { panic!("no message: {frame:?}") };
        assert_eq!(frame.into_data().unwrap(), "a message");
        assert!(again.is_end_stream());
    }

    #[test]
    fn an_empty_message_goes_with_the_head() {
        assert!(Message::new(Body::empty()).is_asked_for());
    }
}
