//! The rules of a contract: which HTTP request means which method.

use http::Method;
use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, MethodDescriptor, Value,
};

use crate::{
    field::FieldPath,
    path::{InvalidTemplate, Template},
    query,
};

const OPTION: &str = "google.api.http";

/// One HTTP request that means a method.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The method.
    pub method: MethodDescriptor,
    /// Its place among those of the method, as the contract has them.
    pub position: usize,
    /// The HTTP method.
    pub verb: Method,
    /// The paths.
    pub template: Template,
    /// What of the request the body is.
    pub body: Body,
    /// What of the response the body is, if not all of it.
    pub response_body: Option<FieldDescriptor>,
}

impl Binding {
    /// The fields of the request that the query can name, those of messages in it
    /// included.
    #[must_use]
    pub fn query_fields(&self) -> Vec<FieldPath> {
        query::fields(self)
    }
}

/// What of a request is its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing: there is none.
    None,
    /// All that is not in the path.
    Whole,
    /// One field.
    Field(FieldDescriptor),
}

/// A rule that cannot be followed.
#[derive(Debug, thiserror::Error)]
#[error("the rule of {method} cannot be followed: {why}")]
pub struct InvalidRule {
    method: String,
    why: Why,
}

#[derive(Debug, thiserror::Error)]
pub enum Why {
    #[error("it has no pattern")]
    NoPattern,
    #[error("{0} is no HTTP method")]
    Verb(String),
    #[error("{0}: {1}")]
    Template(String, #[source] InvalidTemplate),
    #[error("there is no field {0}")]
    Field(String),
    #[error("{0} means another method as well")]
    Ambiguous(String),
}

impl InvalidRule {
    pub(crate) fn new(method: &MethodDescriptor, why: Why) -> Self {
        Self { method: method.full_name().to_owned(), why }
    }
}

/// Reads the rules of all methods that have any.
pub fn bindings(pool: &DescriptorPool) -> Result<Vec<Binding>, InvalidRule> {
    // Where nobody uses it, it is not there.
    let Some(option) = pool.get_extension_by_name(OPTION) else { return Ok(Vec::new()) };
    let mut bindings = Vec::new();
    for service in pool.services() {
        for method in service.methods() {
            let of_method = rules(&method, &option)
                .iter()
                .enumerate()
                .map(|(position, rule)| binding(&method, position, rule))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|why| InvalidRule::new(&method, why))?;
            bindings.extend(of_method);
        }
    }
    Ok(bindings)
}

/// The rule of a method and those that it has in addition, which have none
/// themselves.
fn rules(method: &MethodDescriptor, option: &ExtensionDescriptor) -> Vec<DynamicMessage> {
    let options = method.options();
    if !options.has_extension(option) {
        return Vec::new();
    }
    let Value::Message(rule) = options.get_extension(option).into_owned() else {
        return Vec::new();
    };
    let more = rule.get_field_by_name("additional_bindings");
    let more: Vec<_> = more
        .iter()
        .filter_map(|list| list.as_list())
        .flatten()
        .filter_map(|rule| rule.as_message().cloned())
        .collect();
    [rule].into_iter().chain(more).collect()
}

fn binding(
    method: &MethodDescriptor,
    position: usize,
    rule: &DynamicMessage,
) -> Result<Binding, Why> {
    let (verb, template) = pattern(rule).ok_or(Why::NoPattern)?;
    let verb = Method::from_bytes(verb.as_bytes()).map_err(|_| Why::Verb(verb))?;
    let request = method.input();
    let parsed =
        Template::parse(&template, &request).map_err(|error| Why::Template(template, error))?;
    let body = match &text(rule, "body")[..] {
        "" => Body::None,
        "*" => Body::Whole,
        name => {
            Body::Field(request.get_field_by_name(name).ok_or_else(|| Why::Field(name.to_owned()))?)
        }
    };
    let response_body = match &text(rule, "response_body")[..] {
        "" => None,
        name => Some(
            method.output().get_field_by_name(name).ok_or_else(|| Why::Field(name.to_owned()))?,
        ),
    };
    Ok(Binding { method: method.clone(), position, verb, template: parsed, body, response_body })
}

/// The HTTP method and the template.
fn pattern(rule: &DynamicMessage) -> Option<(String, String)> {
    let plain = ["get", "put", "post", "delete", "patch"]
        .into_iter()
        .find(|name| rule.has_field_by_name(name));
    if let Some(name) = plain {
        return Some((name.to_uppercase(), text(rule, name)));
    }
    if !rule.has_field_by_name("custom") {
        return None;
    }
    let custom = rule.get_field_by_name("custom")?;
    let custom = custom.as_message()?;
    Some((text(custom, "kind"), text(custom, "path")))
}

fn text(message: &DynamicMessage, field: &str) -> String {
    let value = message.get_field_by_name(field);
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
