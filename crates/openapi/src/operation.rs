//! One request that means a method.

use http::Method;
use prost_reflect::MethodDescriptor;
use roster_transcode::{Binding, Body, FieldPath, Segment};
use serde_json::{Value as Json, json};

use crate::{
    access::Level,
    failure::{self, Circumstances, Failure},
    rules::Rules,
    schema::{Direction, Schemas},
};

/// A request that means a method.
#[derive(Clone, Debug)]
pub struct Operation {
    /// What it is called, as no other is.
    pub id: String,
    /// The HTTP method.
    pub verb: Method,
    /// The path, its parameters in braces.
    pub path: String,
    /// What is not in the body.
    pub parameters: Vec<Parameter>,
    /// What is.
    pub body: Option<RequestBody>,
    /// How it may fail.
    pub failures: Vec<Failure>,
}

/// A part of a request that is not in its body.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Where it is: `path`, `query` or `header`.
    pub place: &'static str,
    /// What it is.
    pub description: String,
    /// What its values look like.
    pub schema: Json,
    /// Whether it has to be there.
    pub is_required: bool,
}

/// The body of a request.
#[derive(Clone, Debug)]
pub struct RequestBody {
    /// What it looks like.
    pub schema: Json,
    /// Whether nothing is not enough.
    pub is_required: bool,
}

/// Headers that are fields of the request, and the fields: those of AIP-155 and of
/// AIP-154.
const HEADERS: [(&str, &str); 2] = [("Idempotency-Key", "request_id"), (IF_MATCH, "etag")];
const IF_MATCH: &str = "If-Match";

impl Operation {
    /// Describes a binding.
    pub fn of(
        binding: &Binding,
        id: String,
        (level, errors): (Level, &str),
        schemas: &mut Schemas,
    ) -> Self {
        let (path, mut parameters) = path(binding, schemas);
        let query = binding.query_fields();
        parameters.extend(query.iter().map(|field| parameter(field, "query", schemas)));
        parameters.extend(headers(&binding.method, schemas));
        let body = body(binding, schemas);
        let with = Circumstances {
            level,
            verb: &binding.verb,
            has_body: body.is_some(),
            has_version: parameters.iter().any(|it| it.name == IF_MATCH),
        };
        let failures = failure::all(errors, &with);
        Self { id, verb: binding.verb.clone(), path, parameters, body, failures }
    }
}

/// The path, and the parameters in it: a field that is several pieces of the path
/// is several of them.
fn path(binding: &Binding, schemas: &mut Schemas) -> (String, Vec<Parameter>) {
    let segments = binding.template.segments();
    let (mut path, mut parameters) = (String::new(), Vec::new());
    for segment in &segments {
        path.push('/');
        match segment {
            Segment::Literal(text) => path.push_str(text),
            Segment::Value { field, is_rest } => {
                let is_whole = field.is_some_and(|field| pieces(&segments, field) == 1);
                let mut piece = field.map_or_else(anything, |it| parameter(it, "path", schemas));
                if !is_whole {
                    piece = numbered(piece, &parameters);
                }
                if *is_rest {
                    piece.description.push_str("\n\nAll that is left: slashes may stand in it.");
                }
                path.extend(["{", &piece.name, "}"]);
                parameters.push(Parameter { is_required: true, ..piece });
            }
        }
    }
    path.extend(binding.template.verb().map(|verb| format!(":{verb}")));
    (path, parameters)
}

/// How many pieces of the path a field is.
fn pieces(segments: &[Segment<'_>], wanted: &FieldPath) -> usize {
    let is_one = |segment: &&Segment<'_>| match segment {
        Segment::Value { field, .. } => *field == Some(wanted),
        Segment::Literal(_) => false,
    };
    segments.iter().filter(is_one).count()
}

/// A piece of a value, whose name says which behind the others.
fn numbered(piece: Parameter, before: &[Parameter]) -> Parameter {
    let prefix = format!("{}_", piece.name);
    let number = before.iter().filter(|it| it.name.starts_with(&prefix)).count() + 1;
    let schema = json!({ "type": "string", "minLength": 1 });
    Parameter { name: format!("{prefix}{number}"), schema, ..piece }
}

/// What stands for nothing.
fn anything() -> Parameter {
    Parameter {
        name: "segment".to_owned(),
        place: "path",
        description: "Any text.".to_owned(),
        schema: json!({ "type": "string", "minLength": 1 }),
        is_required: true,
    }
}

fn parameter(field: &FieldPath, place: &'static str, schemas: &mut Schemas) -> Parameter {
    let last = field.last();
    let mut schema = schemas.field(last, Direction::Parameter);
    // There is no empty piece of a path.
    let is_text = schema.get("type") == Some(&json!("string")) && schema.get("format").is_none();
    if place == "path" && is_text && schema.get("minLength").is_none() {
        schema["minLength"] = json!(1);
    }
    // Names in paths stand there as the contract has them.
    let name = if place == "path" { field.name() } else { field.json_name() };
    let description = schemas.comments().at(&last.parent_message().parent_file(), last.path());
    let is_required = field.fields().iter().all(|it| Rules::of(it).need(it));
    Parameter { name, place, description, schema, is_required }
}

/// The headers that the request can be made with as well.
fn headers(method: &MethodDescriptor, schemas: &mut Schemas) -> Vec<Parameter> {
    let request = method.input();
    let named = HEADERS.into_iter().filter_map(|(header, name)| {
        let field = request.get_field_by_name(name)?;
        Some((header, FieldPath::from(field)))
    });
    let header = |(header, field): (&str, FieldPath)| {
        let said = parameter(&field, "header", schemas);
        // A version stands in quotes, and any will do where it says so.
        let schema = match header {
            IF_MATCH => json!({ "type": "string", "pattern": r#"^(\*|"[!#-~]{1,100}")$"# }),
            _ => said.schema,
        };
        let description = format!(
            "The field `{}`, as a header; said in both places, it has to be the same. {}",
            field.name(),
            said.description
        );
        Parameter { name: header.to_owned(), is_required: false, schema, description, ..said }
    };
    named.map(header).collect()
}

fn body(binding: &Binding, schemas: &mut Schemas) -> Option<RequestBody> {
    let request = binding.method.input();
    match &binding.body {
        Body::None => None,
        Body::Whole => {
            // A field of a message that is in the path is none of its own.
            let fields = binding.template.segments();
            let fields: Vec<_> = fields.iter().filter_map(only_field).collect();
            let object = schemas.object(&request, Direction::Body, &fields);
            Some(RequestBody {
                is_required: !object.needed().is_empty(),
                schema: schemas.request(&request, object),
            })
        }
        Body::Field(field) => Some(RequestBody {
            schema: schemas.value(field, Direction::Body),
            is_required: Rules::of(field).need(field),
        }),
    }
}

/// The name of the field that a segment is all of.
fn only_field<'a>(segment: &Segment<'a>) -> Option<&'a str> {
    let Segment::Value { field: Some(field), .. } = segment else { return None };
    match field.fields() {
        [only] => Some(only.name()),
        _ => None,
    }
}
