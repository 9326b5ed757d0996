//! Why the edge refuses a call before any service sees it.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use roster_server::Refusal;
use tonic::{Code, Status};

/// A call that ends at the edge.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such method, or it is not for the outside.
    #[error("There is no such method")]
    UnknownMethod,
    /// Not a call in a protocol that is spoken here.
    #[error("{0}")]
    Protocol(&'static str),
    /// More than one way of saying who is calling.
    #[error("Send exactly one credential: one authorization header and no cookie")]
    AmbiguousCredentials,
    /// A credential that is not a bearer token.
    #[error("The authorization header must be 'Bearer' and a token")]
    MalformedCredentials,
    /// The token was refused, or whoever knows it did not answer.
    #[error("authentication failed")]
    Authentication(Box<Status>),
    /// The caller may not call the method.
    #[error("access denied")]
    Access(Refusal),
    /// The bytes of the request stopped coming.
    #[error("The request did not arrive in time; nothing has been done")]
    RequestIncomplete,
    /// The request cannot be taken as it comes.
    #[error("unreadable request")]
    Unreadable(Box<Status>),
    /// Too many streams of one caller, or of all.
    #[error("Too many streams are open, close one or try again later")]
    TooManyStreams,
    /// The edge is about to stop, and would wait for the end of a stream.
    #[error("The server is stopping; call again in a moment")]
    Draining,
    /// There is nothing at a path of HTTP.
    #[error("There is nothing at this path")]
    UnknownPath,
    /// There is no such thing to do at this path over HTTP.
    #[error("This path is there for other HTTP methods; the header Allow names them")]
    MethodNotAllowed,
    /// A body of a kind that is not read.
    #[error("The content type of the body must be {0}")]
    MediaType(&'static str),
    /// A body that is longer than any may be.
    #[error("The request is larger than this server accepts; send less at once")]
    RequestTooLarge,
    /// `If-Match`, where there is no state to compare.
    #[error("What this changes has no entity tag; leave out If-Match")]
    Unconditional,
    /// A page of another site asks for a change.
    #[error("A page of another site must not change anything here")]
    CrossOrigin,
    /// A service did not answer as its protocol has it.
    #[error("The service's answer broke off; whether anything was done is not known")]
    AnswerBroken,
    /// A part of the edge failed.
    #[error("An internal error occurred; it has been logged")]
    Defect,
    /// Too many calls at once.
    #[error("The server is busy, try again shortly")]
    Overloaded,
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let refusal = match error {
            Error::UnknownMethod => Refusal::new(Code::Unimplemented, "METHOD_UNKNOWN", message),
            Error::Protocol(_) => Refusal::new(Code::InvalidArgument, "PROTOCOL", message),
            Error::AmbiguousCredentials => {
                Refusal::new(Code::InvalidArgument, "AMBIGUOUS_CREDENTIALS", message)
            }
            Error::MalformedCredentials => {
                Refusal::new(Code::Unauthenticated, "MALFORMED_CREDENTIALS", message)
            }
            Error::Authentication(status) | Error::Unreadable(status) => return *status,
            Error::Access(refusal) => refusal,
            Error::RequestIncomplete => {
                Refusal::new(Code::DeadlineExceeded, "REQUEST_INCOMPLETE", message)
            }
            Error::TooManyStreams => {
                Refusal::new(Code::ResourceExhausted, "TOO_MANY_STREAMS", message)
                    .retry_after(Duration::from_secs(10))
            }
            Error::Draining => Refusal::new(Code::Unavailable, "DRAINING", message)
                .retry_after(Duration::from_secs(1)),
            Error::UnknownPath => Refusal::new(Code::NotFound, "PATH_UNKNOWN", message),
            Error::MethodNotAllowed => {
                Refusal::new(Code::Unimplemented, "METHOD_NOT_ALLOWED", message)
            }
            Error::MediaType(_) => {
                Refusal::new(Code::InvalidArgument, "MEDIA_TYPE_UNSUPPORTED", message)
            }
            Error::RequestTooLarge => {
                Refusal::new(Code::ResourceExhausted, "MESSAGE_TOO_LARGE", message)
            }
            Error::Unconditional => {
                Refusal::new(Code::FailedPrecondition, "PRECONDITION_FAILED", message)
            }
            Error::CrossOrigin => Refusal::new(Code::PermissionDenied, "CROSS_ORIGIN", message),
            Error::AnswerBroken => Refusal::new(Code::Unavailable, "ANSWER_BROKEN", message),
            Error::Defect => Refusal::new(Code::Internal, "INTERNAL", message),
            Error::Overloaded => Refusal::new(Code::ResourceExhausted, "OVERLOADED", message)
                .retry_after(Duration::from_secs(1)),
        };
        refusal.into()
    }
}

impl IntoResponse for Error {
    /// As a gRPC client understands it: HTTP 200 with the status in the
    /// headers.
    fn into_response(self) -> Response {
        Status::from(self).into_http::<axum::body::Body>()
    }
}
