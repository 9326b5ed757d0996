//! What a caller is told when the database or a repetition stands in the way.

use roster_server::Refusal;
use tonic::Code;

use crate::{DbError, replay::ReplayError};

impl From<DbError> for Refusal {
    /// What passes by itself is UNAVAILABLE and worth repeating; anything
    /// else is a defect, or damage, and for the log only.
    fn from(error: DbError) -> Self {
        match &error {
            DbError::Conflict(_) | DbError::Unavailable(_) | DbError::ReadOnly(_) => {
                Self::unavailable(&error)
            }
            DbError::Unique(_)
            | DbError::Corrupt(_)
            | DbError::Unexpected(_)
            | DbError::Other(_) => Self::internal(&error),
        }
    }
}

impl From<ReplayError> for Refusal {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Mismatch => Self::new(
                Code::InvalidArgument,
                "REQUEST_ID_REUSED",
                "This request_id was used for another request; choose a new one",
            )
            .with_violation("request_id", "was used for another request"),
            ReplayError::Db(error) => error.into(),
        }
    }
}
