//! What can fail, and what the client is told about it.

use roster_db::{DbError, replay::ReplayError};
use roster_kernel::InvalidPageToken;
use roster_server::Refusal;
use tonic::{Code, Status};

/// A use case that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for is for administrators, and the caller is none.
    #[error("the caller is not an administrator")]
    AdminRequired,
    /// The caller's account has been deleted since the call began.
    #[error("the caller's account has been deleted")]
    AccountDeleted,
    /// The caller has no such persona.
    #[error("no such persona")]
    PersonaNotFound,
    /// The caller has no such annotation.
    #[error("no such annotation")]
    AnnotationNotFound,
    /// There is no such user, or no more.
    #[error("no such user")]
    UserNotFound,
    /// Identity did not answer as it should.
    #[error("identity did not answer")]
    Identity(#[source] Box<Status>),
    /// What was to change has changed since the state that the caller means.
    #[error("it has changed")]
    EtagMismatch,
    /// The page token was not given out for this list.
    #[error(transparent)]
    PageToken(#[from] InvalidPageToken),
    /// The `request_id` named another request before, or the database failed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A value could not be encoded: a defect.
    #[error("a value could not be encoded")]
    Encoding(#[source] serde_json::Error),
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let refusal = match error {
            Error::AdminRequired => {
                Refusal::new(Code::PermissionDenied, "ADMIN_REQUIRED", "Admin access required")
            }
            // What the edge will say to the next call with this token.
            Error::AccountDeleted => Refusal::new(
                Code::Unauthenticated,
                "TOKEN_INVALID",
                "The account that this session belongs to has been deleted",
            ),
            Error::PersonaNotFound => {
                Refusal::new(Code::NotFound, "PERSONA_NOT_FOUND", "There is no such persona")
            }
            Error::AnnotationNotFound => {
                Refusal::new(Code::NotFound, "ANNOTATION_NOT_FOUND", "There is no such annotation")
            }
            Error::UserNotFound => {
                Refusal::new(Code::NotFound, "USER_NOT_FOUND", "There is no such user")
            }
            Error::Identity(status) => Refusal::unavailable(&*status),
            Error::EtagMismatch => Refusal::new(
                Code::Aborted,
                "ETAG_MISMATCH",
                "This has changed since it was read; read it again, then repeat the change",
            ),
            Error::PageToken(error) => Refusal::invalid("page_token", error),
            Error::Replay(error) => error.into(),
            Error::Db(error) => error.into(),
            Error::Encoding(error) => Refusal::internal(&error),
        };
        refusal.into()
    }
}
