//! The request of a method, out of path, query and body.

use http::Method;
use prost_reflect::{DynamicMessage, Value};

use crate::{
    binding::{Binding, Body},
    body,
    field::FieldPath,
    mask, query,
};

/// What is wrong with a request: at least one thing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid: {}", self.0[0])]
pub struct Invalid(pub Vec<Violation>);

/// A field that is not acceptable, or is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {description}")]
pub struct Violation {
    /// Its path, in the names of the contract where there is such a field; empty
    /// for the body as a whole.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}

impl Violation {
    pub(crate) fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }
}

impl From<Violation> for Invalid {
    fn from(violation: Violation) -> Self {
        Self(vec![violation])
    }
}

/// Reads a request whose path holds `values`.
pub fn read(
    binding: &Binding,
    values: &[String],
    query: &str,
    body: &[u8],
) -> Result<DynamicMessage, Invalid> {
    let mut request = body::read(binding, body)?;
    let mut violations = Vec::new();
    let mut set = |field: &FieldPath, value: Result<Value, Violation>| match value {
        Ok(value) => field.set(&mut request, value),
        Err(violation) => violations.push(violation),
    };
    for (field, texts) in query::parameters(binding, query)? {
        set(&field, query::value(&field, &texts));
    }
    for (field, text) in binding.template.fields().zip(values) {
        set(field, query::value(field, &[text]));
    }
    if !violations.is_empty() {
        return Err(Invalid(violations));
    }
    if let (&Method::PATCH, Body::Field(resource)) = (&binding.verb, &binding.body) {
        mask::derive(&mut request, resource, body);
    }
    Ok(request)
}
