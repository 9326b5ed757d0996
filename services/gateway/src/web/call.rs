//! A call that was made out of something else than gRPC. It goes through all of
//! the edge's layers, as any other does.

use std::convert::Infallible;

use axum::{Router, body::Body, extract::Request, response::Response};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::{Stream, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version, header, request::Parts};
use http_body_util::BodyExt;
use prost::Message;
use tonic::{Code, Status};
use tower::ServiceExt;

use crate::Error;

/// The headers of a request that are headers of its call, too.
pub static KEPT: [HeaderName; 7] = [
    header::AUTHORIZATION,
    header::USER_AGENT,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("grpc-timeout"),
];

/// A flag and the length of what follows.
const PREFIX_BYTES: usize = 5;

/// The edge, for calls in gRPC.
#[derive(Clone, Debug)]
pub struct Native(Router);

/// The answer to a call: messages, then how it ended.
#[derive(Debug)]
pub struct Answer {
    body: Body,
    arrived: BytesMut,
    /// Known at the end only.
    ended: Option<Status>,
}

impl Native {
    /// The edge that `router` is.
    pub const fn new(router: Router) -> Self {
        Self(router)
    }

    /// Hands on what is in gRPC already.
    pub async fn forward(self, request: Request) -> Response {
        infallible(self.0.oneshot(request).await)
    }

    /// Calls the method at `path` on behalf of whoever sent `head`. A call that
    /// failed before its first message has no answer.
    pub async fn call(
        self,
        head: &Parts,
        path: &str,
        message: &impl Message,
    ) -> Result<Answer, Status> {
        let mut request = Request::new(Body::from(framed(message)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::try_from(path).map_err(|_| Status::from(Error::UnknownMethod))?;
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = headers(&head.headers);
        *request.extensions_mut() = head.extensions.clone();
        let (head, body) = self.forward(request).await.into_parts();
        match Status::from_header_map(&head.headers) {
            Some(status) if status.code() != Code::Ok => Err(status),
            ended => Ok(Answer { body, arrived: BytesMut::new(), ended }),
        }
    }
}

fn headers(sent: &HeaderMap) -> HeaderMap {
    let kept = KEPT
        .iter()
        .flat_map(|name| sent.get_all(name).iter().map(move |value| (name.clone(), value.clone())));
    let mut headers: HeaderMap = kept.collect();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    headers
}

fn framed(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut bytes = BytesMut::with_capacity(PREFIX_BYTES + length);
    bytes.put_u8(0);
    // Longer ones than the protocol can say are refused by their size long before.
    bytes.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    bytes.put_slice(&message.encode_to_vec());
    bytes.freeze()
}

impl Answer {
    /// The one message of a method that answers with one.
    pub async fn one(mut self) -> Result<Bytes, Status> {
        let message = self.next().await?.ok_or_else(broken)?;
        match self.next().await? {
            None => Ok(message),
            Some(_another) => Err(broken()),
        }
    }

    /// All messages, as they come; the last item is the failure, if there is one.
    pub fn all(self) -> impl Stream<Item = Result<Bytes, Status>> + Send {
        stream::try_unfold(self, |mut answer| async move {
            Ok(answer.next().await?.map(|message| (message, answer)))
        })
    }

    /// The next message. None after the last one, if the call ended well.
    async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        loop {
            if let Some(message) = self.message()? {
                return Ok(Some(message));
            }
            let Some(frame) = self.body.frame().await else { return self.end().map(|()| None) };
            let frame = frame.map_err(|error| Status::from_error(error.into_inner()))?;
            match frame.into_data() {
                Ok(bytes) => self.arrived.extend_from_slice(&bytes),
                Err(frame) => {
                    let trailers = frame.into_trailers().unwrap_or_default();
                    self.ended = Status::from_header_map(&trailers);
                }
            }
        }
    }

    /// A message that has come whole.
    fn message(&mut self) -> Result<Option<Bytes>, Status> {
        let Some((prefix, rest)) = self.arrived.split_at_checked(PREFIX_BYTES) else {
            return Ok(None);
        };
        // Nobody was asked to compress.
        let [0, length @ ..] = prefix else { return Err(broken()) };
        let length = length.try_into().map(u32::from_be_bytes).map_err(|_| broken())? as usize;
        if rest.len() < length {
            return Ok(None);
        }
        self.arrived.advance(PREFIX_BYTES);
        Ok(Some(self.arrived.split_to(length).freeze()))
    }

    fn end(&mut self) -> Result<(), Status> {
        let whole = self.arrived.is_empty();
        match self.ended.take() {
            Some(status) if status.code() != Code::Ok => Err(status),
            Some(_ok) if whole => Ok(()),
            Some(_) | None => Err(broken()),
        }
    }
}

/// A service that does not keep to the protocol, or that went away.
fn broken() -> Status {
    Status::from(Error::AnswerBroken)
}

fn infallible<T>(result: Result<T, Infallible>) -> T {
    match result {
        Ok(it) => it,
        Err(never) => match never {},
    }
}
