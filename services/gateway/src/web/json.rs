//! JSON, as the contracts' rules say.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use prost_reflect::DynamicMessage;
use roster_kernel::Env;
use roster_server::{Refusal, Violations};
use roster_transcode::{Call, Conditions, Invalid, NotFound, Routes, Unmet};
use tonic::Status;

use super::{
    call::Native,
    cookie::SessionCookie,
    refusal::{self, Refused},
    sign_in, stream,
};
use crate::{Error, GatewayConfig};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The methods of the contracts, for requests in JSON.
#[derive(Clone, Debug)]
pub struct Json {
    routes: Arc<Routes>,
    native: Native,
    env: Env,
    period: Duration,
    most_bytes: usize,
}

impl Json {
    /// JSON for the calls of `native`.
    pub fn new(config: &GatewayConfig, env: &Env, routes: Routes, native: Native) -> Self {
        Self {
            routes: Arc::new(routes),
            native,
            env: env.clone(),
            period: Duration::from_secs(config.request_seconds),
            most_bytes: config.max_message_bytes,
        }
    }

    /// Answers a request.
    pub async fn answer(self, request: Request) -> Response {
        let (head, body) = request.into_parts();
        match self.answered(&head, body).await {
            Ok(answer) => answer,
            Err(refused) => refused.into_answer(),
        }
    }

    async fn answered(self, head: &Parts, body: Body) -> Result<Response, Refused> {
        let call = self.find(&head.method, head.uri.path())?;
        let body = self.read(body).await?;
        if !body.is_empty() && !is_json(&head.headers) {
            return Err(Error::MediaType("application/json").into());
        }
        let request = call.request(head.uri.query(), &body).map_err(|it| invalid(&it))?;
        let request = conditioned(request, &head.headers)?;
        let path = call.grpc_path();
        let answer = self.native.call(head, &path, &request).await;
        let answer = answer.map_err(|status| failed(head, &status))?;
        if call.method().is_server_streaming() {
            return Ok(stream::answer(call, answer, &head.headers));
        }
        let message = answer.one().await.map_err(|status| failed(head, &status))?;
        let cookie = head.extensions.get::<SessionCookie>().copied();
        let cookie = cookie.and_then(|it| sign_in::cookie(it, &path, &message, self.env.now()));
        let mut answer = answer_of(&call, message)?;
        cookie.and_then(|cookie| answer.headers_mut().insert(header::SET_COOKIE, cookie));
        Ok(answer)
    }

    /// The method that a request means. Whoever asks for the head of an answer means
    /// the method whose answer it is; of a stream there is none.
    fn find(&self, verb: &Method, path: &str) -> Result<Call, Refused> {
        let head = verb == Method::HEAD;
        let wanted = if head { &Method::GET } else { verb };
        let found = match self.routes.find(wanted, path) {
            Ok(call) if head && call.method().is_server_streaming() => {
                Err(NotFound::Method(vec![Method::GET]))
            }
            found => found,
        };
        found.map_err(|not_found| match not_found {
            NotFound::Path => Error::UnknownPath.into(),
            NotFound::Method(verbs) => {
                let verbs: Vec<_> = verbs.iter().map(Method::as_str).collect();
                let mut refused = refusal::of(Error::MethodNotAllowed);
                if let Ok(allowed) = HeaderValue::try_from(verbs.join(", ")) {
                    refused.headers_mut().insert(header::ALLOW, allowed);
                }
                Refused::new(refused)
            }
        })
    }

    /// All of a body, unless it is too long, or takes too long.
    async fn read(&self, body: Body) -> Result<Bytes, Error> {
        let whole = Limited::new(body, self.most_bytes).collect();
        let read = tokio::select! {
            read = whole => read,
            () = self.env.sleep(self.period) => return Err(Error::RequestIncomplete),
        };
        match read {
            Ok(whole) => Ok(whole.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(Error::RequestTooLarge),
            Err(error) => {
                let broke_off = |_| Status::cancelled("The request broke off");
                Err(Error::Unreadable(Box::new(
                    Status::try_from_error(error).unwrap_or_else(broke_off),
                )))
            }
        }
    }
}

/// `application/json`, in the one encoding that it has (RFC 8259, 8.1).
fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(only), None) = (values.next(), values.next()) else { return false };
    let Ok(text) = only.to_str() else { return false };
    let mut parts = text.split(';').map(str::trim);
    let json = parts.next().is_some_and(|it| it.eq_ignore_ascii_case("application/json"));
    json && parts.all(|it| {
        it.eq_ignore_ascii_case("charset=utf-8") || it.eq_ignore_ascii_case("charset=\"utf-8\"")
    })
}

fn invalid(invalid: &Invalid) -> Refused {
    let mut violations = Violations::new();
    for violation in &invalid.0 {
        violations.add(&violation.field, &violation.description);
    }
    violations.into_refusal().into()
}

/// The request on the conditions that its headers make.
fn conditioned(
    mut request: DynamicMessage,
    headers: &HeaderMap,
) -> Result<DynamicMessage, Refused> {
    let conditions =
        Conditions { etag: condition(headers, &header::IF_MATCH)?, request_id: key(headers)? };
    match conditions.put(&mut request) {
        Ok(()) => Ok(request),
        Err(Unmet::Contradicted(contradicted)) => Err(invalid(&contradicted)),
        Err(Unmet::Unconditional) => Err(Error::Unconditional.into()),
    }
}

/// The entity tag of `If-Match`. Nothing where any state will do.
fn condition(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Refusal> {
    let Some(value) = one(headers, name)? else { return Ok(None) };
    if value == "*" {
        return Ok(None);
    }
    // A weak tag matches nothing here (RFC 9110, 13.1.1), and of several only one
    // can be what the caller has seen.
    let tag = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let tag = tag.filter(|tag| !tag.is_empty() && !tag.contains('"'));
    let tag =
        tag.ok_or_else(|| Refusal::invalid(name.as_str(), "must be one strong entity tag"))?;
    Ok(Some(tag.to_owned()))
}

/// The key, with the quotation marks of a structured field or without.
fn key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let value = one(headers, &IDEMPOTENCY_KEY)?;
    let bare = |value: &str| {
        let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        inner.unwrap_or(value).to_owned()
    };
    Ok(value.map(bare))
}

fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let (first, another) = (values.next(), values.next());
    let Some(value) = first else { return Ok(None) };
    let text = value.to_str().ok().map(str::trim).filter(|_| another.is_none());
    text.ok_or_else(|| Refusal::invalid(name.as_str(), "must be there once, in ASCII")).map(Some)
}

/// What a call that failed becomes. Another state than the one that `If-Match` asks
/// for has a status of its own.
fn failed(head: &Parts, status: &Status) -> Refused {
    let conditional = head.headers.contains_key(header::IF_MATCH);
    Refused::new(if conditional && refusal::has_reason(status, "ETAG_MISMATCH") {
        refusal::with_status(status, StatusCode::PRECONDITION_FAILED)
    } else {
        refusal::failed(status)
    })
}

fn answer_of(call: &Call, message: Bytes) -> Result<Response, Refused> {
    let response = call.response(message).map_err(|error| Refusal::internal(&error))?;
    let json = [(header::CONTENT_TYPE, JSON)];
    let mut answer = (StatusCode::OK, json, response.body).into_response();
    if let Some(etag) = response.etag
        && let Ok(etag) = HeaderValue::try_from(format!("\"{etag}\""))
    {
        answer.headers_mut().insert(header::ETAG, etag);
    }
    Ok(answer)
}
