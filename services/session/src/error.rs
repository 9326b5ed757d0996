//! What can fail, and what the client is told about it.

use std::time::Duration;

use roster_db::{DbError, replay::ReplayError};
use roster_server::{Refusal, access};
use tonic::{Code, Status};

/// A use case that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller is not an administrator (any more).
    #[error("the caller is not an administrator")]
    AdminRequired,
    /// The username or the password is wrong, or was right a moment ago.
    #[error("the credentials open no account")]
    InvalidCredentials,
    /// There were too many failed attempts. Carries when trying again is
    /// worthwhile.
    #[error("too many failed attempts to sign in")]
    Throttled(Duration),
    /// More are signing in than there is room for.
    #[error("too many are signing in")]
    TooManyLogins,
    /// The password is right, but the account is disabled.
    #[error("the account is disabled")]
    UserDisabled,
    /// The token opens no session.
    #[error("the token opens no session")]
    TokenInvalid,
    /// The caller has no such session.
    #[error("no such session")]
    SessionNotFound,
    /// The page token was not given out for this list.
    #[error("the page token is not one of this list")]
    InvalidPageToken,
    /// The `request_id` named another request before, or the database failed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The identity service refused or did not answer.
    #[error("the identity service did not answer as asked")]
    Identity(#[source] Box<Status>),
    /// The identity service answered what its contract does not allow.
    #[error("the identity service's answer makes no sense")]
    IdentityAnswer(#[from] roster_participant::InvalidSubject),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A value could not be encoded: a defect.
    #[error("a value could not be encoded")]
    Encoding(#[source] serde_json::Error),
}

impl Error {
    /// Whether an attempt to sign in that ends like this may have been a
    /// guess: not where the password was right, or was not looked at.
    #[must_use]
    pub fn is_guess(&self) -> bool {
        match self {
            Self::UserDisabled | Self::Db(_) | Self::TooManyLogins | Self::Throttled(_) => false,
            Self::Identity(status) => {
                !matches!(status.code(), Code::ResourceExhausted | Code::Unavailable)
            }
            Self::InvalidCredentials
            | Self::AdminRequired
            | Self::TokenInvalid
            | Self::SessionNotFound
            | Self::InvalidPageToken
            | Self::Replay(_)
            | Self::IdentityAnswer(_)
            | Self::Encoding(_) => true,
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let refuse = |code, reason, message: &str| Refusal::new(code, reason, message).into();
        match error {
            Error::AdminRequired => access::admin_required().into(),
            Error::InvalidCredentials => refuse(
                Code::Unauthenticated,
                "INVALID_CREDENTIALS",
                "The username or the password is wrong",
            ),
            Error::Throttled(wait) => Refusal::new(
                Code::ResourceExhausted,
                "LOGIN_THROTTLED",
                "Too many failed attempts to sign in; try again later",
            )
            .retry_after(wait)
            .into(),
            // What identity says when its queue is full: the client does not
            // care whose bound it is.
            Error::TooManyLogins => Refusal::new(
                Code::ResourceExhausted,
                "HASH_QUEUE_FULL",
                "Too many passwords are being checked right now; try again in a moment",
            )
            .retry_after(Duration::from_secs(1))
            .into(),
            Error::UserDisabled => refuse(
                Code::PermissionDenied,
                "USER_DISABLED",
                "This account is disabled; ask an administrator to enable it",
            ),
            Error::TokenInvalid => refuse(
                Code::Unauthenticated,
                "TOKEN_INVALID",
                "The session has ended or never existed; sign in again",
            ),
            Error::SessionNotFound => refuse(
                Code::NotFound,
                "SESSION_NOT_FOUND",
                "There is no such session, or it has ended",
            ),
            Error::InvalidPageToken => {
                Refusal::invalid("page_token", roster_kernel::InvalidPageToken).into()
            }
            Error::Replay(error) => Refusal::from(error).into(),
            Error::Identity(status) => upstream(&status),
            Error::IdentityAnswer(error) => Refusal::internal(&error).into(),
            Error::Db(error) => Refusal::from(error).into(),
            Error::Encoding(error) => Refusal::internal(&error).into(),
        }
    }
}

/// What the client is told of identity's refusal. What identity says about
/// the credentials is the client's business, details included; what it says
/// about the call is between the services.
fn upstream(status: &Status) -> Status {
    match status.code() {
        Code::InvalidArgument
        | Code::Unauthenticated
        | Code::ResourceExhausted
        | Code::DeadlineExceeded => pass_on(status),
        // A connection that broke and a call that was cut short look alike to
        // the client: trying again may help.
        Code::Unavailable | Code::Cancelled | Code::Aborted => Refusal::new(
            Code::Unavailable,
            "IDENTITY_UNAVAILABLE",
            "Signing in is not possible right now; try again in a moment",
        )
        .retry_after(Duration::from_secs(1))
        .into(),
        Code::Ok
        | Code::Unknown
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss => Refusal::internal(status).into(),
    }
}

/// The same refusal without the headers of the answer that it came in.
fn pass_on(status: &Status) -> Status {
    Status::with_details(
        status.code(),
        status.message(),
        bytes::Bytes::copy_from_slice(status.details()),
    )
}
