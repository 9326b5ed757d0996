//! What a caller is told when the database or a repetition stands in the way.

use roster_server::Refusal;
use tonic::Code;

use crate::{DbError, replay::ReplayError};

impl From<DbError> for Refusal {
    /// What passes by itself is UNAVAILABLE and worth repeating; anything
    /// else is a defect, or damage, and for the log only.
    fn from(error: DbError) -> Self {
        match &error {
            DbError::Conflict(_) | DbError::Unavailable(_) => Self::unavailable(&error),
            DbError::Full(_) | DbError::ReadOnly(_) => unwritable(&error),
            DbError::Unique(_)
            | DbError::Newer(_)
            | DbError::Corrupt(_)
            | DbError::Unsuitable(_)
            | DbError::Unexpected(_)
            | DbError::Other(_) => Self::internal(&error),
        }
    }
}

/// Not worth repeating before somebody has done something about it.
fn unwritable(error: &DbError) -> Refusal {
    tracing::error!(error = error as &dyn std::error::Error, "writes are refused");
    if let DbError::ReadOnly(_) = error {
        return Refusal::new(
            Code::Unavailable,
            "STORAGE_READ_ONLY",
            "The storage is read-only, and nothing has been changed; whoever runs Roster has to \
             look after it",
        );
    }
    Refusal::new(
        Code::ResourceExhausted,
        "STORAGE_FULL",
        "There is no room to store the change, and nothing has been changed; whoever runs Roster \
         has to make room",
    )
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
