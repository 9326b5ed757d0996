//! What can fail, and what the client is told about it.

use std::time::Duration;

use roster_db::{DbError, replay::ReplayError};
use roster_server::{Refusal, access};
use tonic::{Code, Status};

use crate::{
    domain::{MOST_API_KEYS, MOST_MACHINE_TOKENS},
    hashing::HashError,
    participants::Unavailable,
    sealing::SealError,
};

/// When a full queue is worth another try.
const HASH_RETRY: Duration = Duration::from_secs(1);

/// A use case that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller is not an administrator (any more).
    #[error("the caller is not an administrator")]
    AdminRequired,
    /// An administrator wants to delete their own account.
    #[error("users cannot delete themselves")]
    CannotDeleteSelf,
    /// Nobody could administer users any more.
    #[error("the last enabled administrator cannot go")]
    LastAdmin,
    /// People cannot create accounts for themselves.
    #[error("registration is closed")]
    RegistrationClosed,
    /// Somebody else has the username.
    #[error("the username is taken")]
    UsernameTaken,
    /// Somebody has a username that looks the same.
    #[error("the username looks like one that is taken")]
    UsernameConfusable,
    /// There is no such user.
    #[error("no such user")]
    UserNotFound,
    /// The user who calls has been deleted meanwhile.
    #[error("the caller's account is gone")]
    CallerGone,
    /// There is no such deletion.
    #[error("no such deletion")]
    DeletionNotFound,
    /// The account has changed since the client saw it.
    #[error("the etag is not the present one")]
    EtagMismatch,
    /// The username is unknown or the password is wrong.
    #[error("the credentials open no account")]
    InvalidCredentials,
    /// The present password is another one.
    #[error("the current password is wrong")]
    CurrentPasswordWrong,
    /// Too many wrong passwords were said to be the present one. Carries when
    /// trying again is worthwhile.
    #[error("too many wrong current passwords")]
    PasswordThrottled(Duration),
    /// Too many accounts came from one address. Carries when trying again is
    /// worthwhile.
    #[error("too many accounts from one address")]
    RegistrationThrottled(Duration),
    /// The new password is the present one, which must be changed.
    #[error("the new password is the current one")]
    PasswordUnchanged,
    /// There is no such key, or it is somebody else's.
    #[error("no such API key")]
    ApiKeyNotFound,
    /// The owner has a key for the provider already.
    #[error("there is an API key for the provider")]
    ApiKeyExists,
    /// The owner has as many keys as there can be.
    #[error("there are too many API keys")]
    ApiKeyLimit,
    /// The key has changed since the client saw it.
    #[error("the etag is not the API key's present one")]
    ApiKeyChanged,
    /// The machine token is unknown, or has ended.
    #[error("the machine token opens nothing")]
    TokenInvalid,
    /// There is no such machine token, or it has ended.
    #[error("no such machine token")]
    MachineTokenNotFound,
    /// The issuer has as many machine tokens as there can be.
    #[error("there are too many machine tokens")]
    MachineTokenLimit,
    /// Nothing is to be done on behalf of the user at present.
    #[error("the user is disabled")]
    UserDisabled,
    /// A key could be neither encrypted nor decrypted.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// It could not be counted that a key was handed out.
    #[error("the use of an API key could not be counted")]
    UseNotCounted,
    /// The page token was not given out for this list.
    #[error("the page token is not one of this list")]
    InvalidPageToken,
    /// The `request_id` named another request before, or the database failed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The change stands, but its effect is not confirmed.
    #[error("the effect is not confirmed yet")]
    EffectPending,
    /// A participant does not hand out what it keeps.
    #[error(transparent)]
    Participant(#[from] Unavailable),
    /// The service is about to stop.
    #[error("the service is stopping")]
    Draining,
    /// A password could be neither hashed nor checked.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A value could not be encoded: a defect.
    #[error("a value could not be encoded")]
    Encoding(#[source] serde_json::Error),
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        refusal(error).into()
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        refusal(error)
    }
}

#[expect(clippy::too_many_lines, reason = "one line of sense for each error, side by side")]
fn refusal(error: Error) -> Refusal {
    match error {
        Error::AdminRequired => access::admin_required(),
        Error::CannotDeleteSelf => Refusal::new(
            Code::PermissionDenied,
            "CANNOT_DELETE_SELF",
            "You cannot delete your own account; ask another administrator",
        ),
        Error::LastAdmin => Refusal::new(
            Code::FailedPrecondition,
            "LAST_ADMIN",
            "This is the last enabled administrator; make somebody else one first",
        ),
        Error::RegistrationClosed => Refusal::new(
            Code::PermissionDenied,
            "REGISTRATION_CLOSED",
            "Registration is closed; ask an administrator for an account",
        ),
        Error::UsernameTaken => {
            Refusal::new(Code::AlreadyExists, "USERNAME_TAKEN", "Username already exists")
        }
        Error::UsernameConfusable => Refusal::new(
            Code::AlreadyExists,
            "USERNAME_CONFUSABLE",
            "Username looks like one that exists (as l and 1, o and 0, rn and m, or letters of \
             different scripts do); choose one that cannot be mistaken for it",
        ),
        Error::UserNotFound => {
            Refusal::new(Code::NotFound, "USER_NOT_FOUND", "There is no such user")
        }
        Error::CallerGone => Refusal::new(
            Code::Unauthenticated,
            "TOKEN_INVALID",
            "The session has ended or never existed; sign in again",
        ),
        Error::DeletionNotFound => {
            Refusal::new(Code::NotFound, "DELETION_NOT_FOUND", "There is no such deletion")
        }
        Error::EtagMismatch => Refusal::new(
            Code::Aborted,
            "ETAG_MISMATCH",
            "The user has changed meanwhile; read it again and repeat the change",
        ),
        Error::InvalidCredentials => Refusal::new(
            Code::Unauthenticated,
            "INVALID_CREDENTIALS",
            "The username or the password is wrong",
        ),
        Error::CurrentPasswordWrong => Refusal::new(
            Code::InvalidArgument,
            "CURRENT_PASSWORD_WRONG",
            "The current password is wrong",
        )
        .with_violation("current_password", "is not the current password"),
        Error::PasswordThrottled(wait) => Refusal::new(
            Code::ResourceExhausted,
            "PASSWORD_THROTTLED",
            "Too many wrong passwords; try again later",
        )
        .retry_after(wait),
        Error::RegistrationThrottled(wait) => Refusal::new(
            Code::ResourceExhausted,
            "REGISTRATION_THROTTLED",
            "Too many accounts were created from your address; try again later",
        )
        .retry_after(wait),
        Error::PasswordUnchanged => {
            Refusal::invalid("new_password", "must differ from the current password")
        }
        Error::ApiKeyNotFound => {
            Refusal::new(Code::NotFound, "API_KEY_NOT_FOUND", "There is no such API key")
        }
        Error::ApiKeyExists => Refusal::new(
            Code::AlreadyExists,
            "API_KEY_EXISTS",
            "There is an API key for this provider already; replace its secret, or delete it",
        ),
        Error::ApiKeyLimit => Refusal::new(
            Code::ResourceExhausted,
            "API_KEY_LIMIT",
            format!("There can be no more than {MOST_API_KEYS} API keys; delete one first"),
        ),
        Error::ApiKeyChanged => Refusal::new(
            Code::Aborted,
            "ETAG_MISMATCH",
            "The API key has changed meanwhile; read it again and repeat the change",
        ),
        Error::TokenInvalid => Refusal::new(
            Code::Unauthenticated,
            "TOKEN_INVALID",
            "The machine token has ended or never existed; issue another one",
        ),
        Error::MachineTokenNotFound => Refusal::new(
            Code::NotFound,
            "MACHINE_TOKEN_NOT_FOUND",
            "There is no such machine token, or it has ended",
        ),
        Error::MachineTokenLimit => Refusal::new(
            Code::ResourceExhausted,
            "MACHINE_TOKEN_LIMIT",
            format!(
                "You can have no more than {MOST_MACHINE_TOKENS} machine tokens; revoke one first"
            ),
        ),
        Error::UserDisabled => Refusal::new(
            Code::FailedPrecondition,
            "USER_DISABLED",
            "The user is disabled; nothing is to be done on their behalf",
        ),
        Error::Seal(error) => Refusal::internal(&error),
        Error::UseNotCounted => Refusal::unavailable(&error),
        Error::InvalidPageToken => Refusal::invalid("page_token", roster_kernel::InvalidPageToken),
        Error::Replay(error) => error.into(),
        Error::EffectPending => Refusal::new(
            Code::Unavailable,
            "EFFECT_PENDING",
            "The change is stored, but not confirmed to be in effect everywhere; repeat the call \
             with the same request_id to wait for it",
        )
        .retry_after(Duration::from_secs(1)),
        Error::Participant(Unavailable(participant)) => Refusal::new(
            Code::Unavailable,
            "PARTICIPANT_UNAVAILABLE",
            format!("The {participant} service does not answer; begin again in a moment"),
        )
        .with_metadata("participant", participant.to_string())
        .retry_after(Duration::from_secs(5)),
        Error::Draining => Refusal::new(
            Code::Unavailable,
            "DRAINING",
            "The service is stopping; call again in a moment",
        )
        .retry_after(Duration::from_secs(1)),
        Error::Hash(error) => hash(&error),
        Error::Db(error) => error.into(),
        Error::Encoding(error) => Refusal::internal(&error),
    }
}

fn hash(error: &HashError) -> Refusal {
    match error {
        HashError::QueueFull => Refusal::new(
            Code::ResourceExhausted,
            "HASH_QUEUE_FULL",
            "Too many passwords are being checked right now; try again in a moment",
        )
        .retry_after(HASH_RETRY),
        HashError::Lost | HashError::Malformed(_) | HashError::Argon(_) => Refusal::internal(error),
    }
}
