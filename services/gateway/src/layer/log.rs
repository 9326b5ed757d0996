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
    code: Option<Code>,
}

/// Notes how the call ends.
pub async fn layer(State(env): State<Env>, request: Request, next: Next) -> Response {
    let begun = env.now();
    let mut record = Record { env, begun, span: Span::current(), by: None, code: None };
    let answer = next.run(request).await;
    record.by = answer.extensions().get().copied();
    record.code = code(answer.headers());
    answer.map(|body| Body::new(Recorded { body, record }))
}

fn code(headers: &HeaderMap) -> Option<Code> {
    Status::from_header_map(headers).map(|status| status.code())
}

impl Drop for Record {
    fn drop(&mut self) {
        let code = self.code.unwrap_or(Code::Cancelled);
        let milliseconds = (self.env.now() - self.begun).num_milliseconds();
        let user = self.by.map(|by| by.user.to_string());
        let machine = self.by.and_then(|by| by.machine).map(|token| token.to_string());
        let (rpc, user, machine) = (code as i32, user.as_deref(), machine.as_deref());
        // The span says which method, and the name of the call.
        let _entered = self.span.enter();
        // What a flood consists of must not fill the log too.
        if code == Code::ResourceExhausted {
            tracing::debug!(
                code = rpc,
                milliseconds,
                user.id = user,
                machine_token.id = machine,
                "call"
            );
        } else {
            tracing::info!(
                code = rpc,
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
            self.record.code = code(trailers);
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
