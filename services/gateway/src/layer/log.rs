//! One line for each call, when it is over: what was called, by whom, how it
//! ended and how long it took. Ids and nothing else that is personal.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use roster_kernel::{Actor, Env, MachineTokenId, Timestamp, UserId};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tracing::Span;

/// Who turned out to call, told by the layer that found out.
#[derive(Clone, Copy, Debug)]
pub struct By {
    /// In whose name.
    user: UserId,
    /// With which token, if it is a program.
    machine: Option<MachineTokenId>,
}

impl By {
    /// What there is to tell of a caller.
    pub const fn of(actor: &Actor) -> Option<Self> {
        match actor {
            Actor::User(user) => Some(Self { user: user.user_id, machine: None }),
            Actor::Machine(machine) => {
                Some(Self { user: machine.issuer_id, machine: Some(machine.token_id) })
            }
            Actor::Anonymous | Actor::Service(_) => None,
        }
    }
}

/// What there is to tell of a call.
struct Record {
    env: Env,
    begun: Timestamp,
    span: Span,
    by: Option<By>,
    /// Unset while the call goes on: one that ends like that was given up.
    ended: Option<Ended>,
}

/// How a call ended.
struct Ended {
    code: Code,
    /// The stable reason of a refusal: which of those that have the same code.
    reason: Option<String>,
}

/// Notes how the call ends.
pub async fn layer(State(env): State<Env>, request: Request, next: Next) -> Response {
    let begun = env.now();
    let mut record = Record { env, begun, span: Span::current(), by: None, ended: None };
    let answer = next.run(request).await;
    record.by = answer.extensions().get().copied();
    record.ended = ended(answer.headers());
    answer.map(|body| Body::new(Recorded { body, record }))
}

fn ended(headers: &HeaderMap) -> Option<Ended> {
    let status = Status::from_header_map(headers)?;
    let reason = status.get_details_error_info().map(|info| info.reason);
    Some(Ended { code: status.code(), reason })
}

impl Drop for Record {
    fn drop(&mut self) {
        let (code, reason) = match self.ended.take() {
            Some(Ended { code, reason }) => (code, reason),
            None => (Code::Cancelled, None),
        };
        let milliseconds = (self.env.now() - self.begun).num_milliseconds();
        let user = self.by.map(|by| by.user.to_string());
        let machine = self.by.and_then(|by| by.machine).map(|token| token.to_string());
        let (rpc, reason) = (code as i32, reason.as_deref());
        let (user, machine) = (user.as_deref(), machine.as_deref());
        // The span says which method, and the name of the call.
        let _entered = self.span.enter();
        // What a flood consists of must not fill the log too.
        if code == Code::ResourceExhausted {
            tracing::debug!(
                code = rpc,
                reason,
                milliseconds,
                user.id = user,
                machine_token.id = machine,
                "call"
            );
        } else {
            tracing::info!(
                code = rpc,
                reason,
                milliseconds,
                user.id = user,
                machine_token.id = machine,
                "call"
            );
        }
    }
}

/// An answer whose end is noted.
struct Recorded {
    body: Body,
    record: Record,
}

impl HttpBody for Recorded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(trailers) = frame.trailers_ref()
        {
            self.record.ended = ended(trailers);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
