//! What every crate of Roster agrees on: identifiers, time, randomness, who is
//! calling, what a token looks like and how a list is continued. Nothing here
//! does I/O.

mod actor;
mod clock;
mod env;
mod etag;
mod id;
mod last_uses;
mod page_size;
mod page_token;
mod rng;
mod token;

pub use actor::{Actor, Caller, Deadline, MachineActor, Origin, ServiceName, UserActor};
pub use clock::{Clock, SystemClock, Timestamp, to_micros};
pub use env::{Env, Steps};
pub use etag::Etag;
pub use id::{
    AnnotationId, ApiKeyId, DeletionId, EventId, MachineTokenId, OntologyId, ParseIdError,
    PersonaId, RequestId, SessionId, UserId,
};
pub use last_uses::LastUses;
pub use page_size::{InvalidPageSize, PageSize};
pub use page_token::{InvalidPageToken, PageTokens};
pub use rng::{Rng, SystemRng};
pub use token::{BearerToken, MalformedToken, TokenHash, TokenKind};
