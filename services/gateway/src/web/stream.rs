//! Answers of many messages: a line of JSON for each (<https://github.com/ndjson/ndjson-spec>), or an
//! event for each where a browser asks for them (WHATWG HTML, 9.2).

use std::convert::Infallible;

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, header};
use roster_server::Refusal;
use roster_transcode::{Call, Failure};
use tonic::Status;

use super::call::Answer;

/// How the messages of an answer are written one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Lines,
    Events,
}

/// What happens on the way.
enum Item {
    Message(Result<Bytes, Status>),
    End,
}

/// Writes what `answer` says to `call`, as it comes. A failure on the way is the
/// last thing that is written: the status of the answer has been sent by then.
pub fn answer(call: Call, answer: Answer, headers: &HeaderMap) -> Response {
    let form = Form::of(headers);
    let items = answer.all().map(Item::Message).chain(stream::iter([Item::End]));
    let written = items.scan(false, move |failed, item| {
        let written = match item {
            // What failed has no other end.
            Item::End => (!*failed).then(|| form.end()),
            Item::Message(message) => {
                let json = message.and_then(|message| json(&call, message));
                *failed |= json.is_err();
                Some(match json {
                    Ok(json) => form.message(&json),
                    Err(status) => form.failure(&status),
                })
            }
        };
        std::future::ready(written)
    });
    let body = Body::from_stream(written.map(Ok::<_, Infallible>));
    ([(header::CONTENT_TYPE, form.content_type())], body).into_response()
}

fn json(call: &Call, message: Bytes) -> Result<Vec<u8>, Status> {
    call.response(message).map(|it| it.body).map_err(|error| Refusal::internal(&error).into())
}

impl Form {
    /// What is asked for.
    fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|it| it.to_str().ok());
        let mut types = accepted.flat_map(|it| it.split(',')).map(|it| {
            let (media, _parameters) = it.split_once(';').unwrap_or((it, ""));
            media.trim()
        });
        let events = types.any(|media| media.eq_ignore_ascii_case("text/event-stream"));
        if events { Self::Events } else { Self::Lines }
    }

    const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Lines => "application/x-ndjson",
            Self::Events => "text/event-stream",
        })
    }

    /// JSON has no line breaks of its own.
    fn message(self, json: &[u8]) -> Bytes {
        match self {
            Self::Lines => [json, b"\n"].concat().into(),
            Self::Events => [b"data: ", json, b"\n\n"].concat().into(),
        }
    }

    fn failure(self, status: &Status) -> Bytes {
        let json = Failure::from(status).into_body();
        match self {
            Self::Lines => self.message(&json),
            Self::Events => [b"event: error\n", &self.message(&json)[..]].concat().into(),
        }
    }

    /// A browser would ask for it all again when events just end.
    const fn end(self) -> Bytes {
        match self {
            Self::Lines => Bytes::new(),
            Self::Events => Bytes::from_static(b"event: end\ndata: {}\n\n"),
        }
    }
}
