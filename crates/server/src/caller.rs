//! Who is calling, beside the message.

use roster_kernel::{Actor, Caller, Deadline, Timestamp, UserActor};
use tonic::Request;

use crate::{Refusal, access};

/// Who is calling. A service is never reached without: the stack in front of
/// it refuses such calls.
pub fn caller<T>(request: &Request<T>) -> Result<Caller, Refusal> {
    request.extensions().get::<Caller>().cloned().ok_or_else(access::unauthenticated)
}

/// The signed-in user who is calling.
pub fn user(caller: &Caller) -> Result<&UserActor, Refusal> {
    match &caller.actor {
        Actor::User(user) => Ok(user),
        Actor::Anonymous => Err(access::unauthenticated()),
        Actor::Machine(_) | Actor::Service(_) => Err(access::user_required()),
    }
}

/// How long the caller waits for the answer.
pub fn deadline<T>(request: &Request<T>) -> Option<Deadline> {
    request.extensions().get::<Deadline>().copied()
}

/// A request to another service: made by `caller`, and given up when
/// `deadline` passes.
pub fn outgoing<T>(
    message: T,
    caller: Caller,
    deadline: Option<Deadline>,
    now: Timestamp,
) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(caller);
    if let Some(deadline) = deadline {
        request.set_timeout(deadline.remaining(now));
        request.extensions_mut().insert(deadline);
    }
    request
}
