//! What headers of HTTP say of a request, beside its body.

use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, ReflectMessage as _, Value};

use crate::{
    field::single_message,
    request::{Invalid, Violation},
};

/// The field for `If-Match` and `ETag` (AIP-154).
const ETAG: &str = "etag";

/// The field for `Idempotency-Key` (AIP-155).
const REQUEST_ID: &str = "request_id";

/// The conditions that a request is made on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// The state that the resource must be in: the header `If-Match`, without its
    /// quotation marks.
    pub etag: Option<String>,
    /// What makes a repetition one: the header `Idempotency-Key`.
    pub request_id: Option<String>,
}

/// Why a condition cannot be put to a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// The request says something else itself.
    Contradicted(Invalid),
    /// The method knows no state of its resource.
    Unconditional,
}

impl Conditions {
    /// Makes them conditions of `request`. A key for repetitions is of no matter to
    /// a method that knows none: it can be repeated anyway.
    pub fn put(&self, request: &mut DynamicMessage) -> Result<(), Unmet> {
        if let Some(etag) = &self.etag
            && !set(request, ETAG, etag).map_err(Unmet::Contradicted)?
        {
            return Err(Unmet::Unconditional);
        }
        if let Some(request_id) = &self.request_id {
            set(request, REQUEST_ID, request_id).map_err(Unmet::Contradicted)?;
        }
        Ok(())
    }
}

/// Whether the request has such a field, which says `text` now.
fn set(request: &mut DynamicMessage, name: &str, text: &str) -> Result<bool, Invalid> {
    if !has_text(&request.descriptor(), name) {
        return Ok(false);
    }
    let said = request.get_field_by_name(name);
    let said = said.as_ref().and_then(|said| said.as_str()).unwrap_or_default();
    if !said.is_empty() && said != text {
        return Err(Violation::new(name, "differs from what the header says").into());
    }
    request.set_field_by_name(name, Value::String(text.to_owned()));
    Ok(true)
}

fn has_text(message: &MessageDescriptor, name: &str) -> bool {
    let field = message.get_field_by_name(name);
    field.is_some_and(|field| !field.is_list() && matches!(field.kind(), Kind::String))
}

/// The state of the resource that a response is, or that it consists of.
pub fn etag(response: &DynamicMessage) -> Option<String> {
    let descriptor = response.descriptor();
    let mut fields = descriptor.fields();
    let (only, more) = (fields.next(), fields.next());
    let resource = match only {
        Some(only) if more.is_none() && single_message(&only).is_some() => {
            response.get_field(&only).as_message()?.clone()
        }
        Some(_) | None => response.clone(),
    };
    if !has_text(&resource.descriptor(), ETAG) {
        return None;
    }
    let etag = resource.get_field_by_name(ETAG)?;
    etag.as_str().filter(|etag| !etag.is_empty()).map(str::to_owned)
}
