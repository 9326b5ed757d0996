//! The response of a method, as JSON.

use bytes::Bytes;
use prost::DecodeError;
use prost_reflect::{DynamicMessage, SerializeOptions};
use serde_json::Value as Json;

use crate::{binding::Binding, conditions};

/// The response of a method, for HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// JSON.
    pub body: Vec<u8>,
    /// The state of the resource that it is, for the header `ETag`.
    pub etag: Option<String>,
}

/// A response that is none of its method.
#[derive(Debug, thiserror::Error)]
#[error("the response is none of the method's")]
pub enum Undecodable {
    /// It is no such message.
    Message(#[from] DecodeError),
    /// What it holds has no form in JSON, such as an `Any` of an unknown type.
    Json(#[from] serde_json::Error),
}

/// Writes a response that was encoded.
pub fn write(binding: &Binding, response: Bytes) -> Result<Response, Undecodable> {
    let message = DynamicMessage::decode(binding.method.output(), response)?;
    let etag = conditions::etag(&message);
    Ok(Response { body: body(binding, &message)?, etag })
}

/// Whoever reads a list expects one, and a number where the contract has one: what
/// has its default is there like anything else. Only what is unset is left out.
fn body(binding: &Binding, message: &DynamicMessage) -> Result<Vec<u8>, serde_json::Error> {
    let options = SerializeOptions::new().skip_default_fields(false);
    let Some(field) = &binding.response_body else {
        let mut json = Vec::new();
        message.serialize_with_options(&mut serde_json::Serializer::new(&mut json), &options)?;
        return Ok(json);
    };
    let mut whole = message.serialize_with_options(serde_json::value::Serializer, &options)?;
    let part = whole.get_mut(field.json_name()).map(Json::take);
    serde_json::to_vec(&part.unwrap_or_default())
}
