//! What JSON looks like, as JSON Schema (proto3 JSON:
//! <https://protobuf.dev/programming-guides/json>).

mod known;
mod value;

use std::collections::BTreeMap;

use prost_reflect::{EnumDescriptor, FieldDescriptor, MessageDescriptor};
use serde_json::{Map, Value as Json, json};

use crate::{comment::Comments, rules::Rules};

/// Where JSON comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From a client, in a body: a number may be a text, `null` says nothing.
    Body,
    /// From a client, in a query, a path or a header.
    Parameter,
    /// From the server.
    Answer,
}

/// The messages and enums that are spoken of, by the name that they have in the
/// document.
#[derive(Debug)]
pub struct Schemas {
    comments: Comments,
    named: BTreeMap<String, Named>,
}

/// A message or an enum.
#[derive(Clone, Debug)]
pub struct Named {
    /// Its name in its package.
    pub title: String,
    /// What it is.
    pub description: String,
    /// What it consists of.
    pub shape: Shape,
}

/// What a message or an enum consists of.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Not known yet: it holds itself.
    Open,
    /// Fields.
    Object(Object),
    /// Names.
    Names(Vec<Name>),
}

/// What a message consists of.
#[derive(Clone, Debug, Default)]
pub struct Object {
    /// Its fields, in the order of the contract.
    pub properties: Vec<Property>,
    /// Whether there may be no others.
    pub is_closed: bool,
    /// The names of fields of which there is one at most.
    pub choices: Vec<Vec<String>>,
}

/// A field, as JSON has it.
#[derive(Clone, Debug)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// What its values look like.
    pub schema: Json,
    /// Whether it has to be there.
    pub is_required: bool,
}

/// A value of an enum.
#[derive(Clone, Debug)]
pub struct Name {
    /// What it is called.
    pub name: String,
    /// What it means.
    pub description: String,
}

impl Schemas {
    pub fn new(comments: Comments) -> Self {
        Self { comments, named: BTreeMap::new() }
    }

    /// The comments of the contract.
    pub const fn comments(&self) -> &Comments {
        &self.comments
    }

    /// All that were spoken of, by their names.
    pub const fn named(&self) -> &BTreeMap<String, Named> {
        &self.named
    }

    /// The schema of a message. What answers hold as well has another name where
    /// it is sent, because more is taken than is answered; so answers are spoken of
    /// first.
    pub fn message(&mut self, message: &MessageDescriptor, direction: Direction) -> Json {
        if let Some(schema) = known::schema(message) {
            return schema;
        }
        let mut name = message.full_name().to_owned();
        let mut title = title(message.full_name(), message.package_name());
        if direction == Direction::Answer {
            // The second one is another.
        } else if self.named.get(&name).is_some_and(Named::is_answered) {
            name.push_str("-Input");
            title.push_str(" (sent)");
        }
        if !self.named.contains_key(&name) {
            let description = self.comments.at(&message.parent_file(), message.path());
            let open = Named { title, description, shape: Shape::Open };
            self.named.insert(name.clone(), open.clone());
            let shape = Shape::Object(self.object(message, direction, &[]));
            self.named.insert(name.clone(), Named { shape, ..open });
        }
        reference(&name)
    }

    /// The schema of a body that is all of a request but what is in the path.
    pub fn request(&mut self, message: &MessageDescriptor, object: Object) -> Json {
        let name = message.full_name();
        let request = Named {
            title: title(name, message.package_name()),
            description: self.comments.at(&message.parent_file(), message.path()),
            shape: Shape::Object(object),
        };
        match self.named.get(name) {
            // With another path there is another body.
            Some(known) if known.json() != request.json() => return request.json(),
            Some(_) => {}
            None => {
                self.named.insert(name.to_owned(), request);
            }
        }
        reference(name)
    }

    /// What a message consists of, without the fields of these names.
    pub fn object(
        &mut self,
        message: &MessageDescriptor,
        direction: Direction,
        without: &[&str],
    ) -> Object {
        let fields = message.fields().filter(|field| !without.contains(&field.name()));
        let properties = fields.map(|field| self.property(&field, direction)).collect();
        // One that is optional is a choice of its own.
        let choices = message.oneofs().map(|choice| {
            choice.fields().map(|field| field.json_name().to_owned()).collect::<Vec<_>>()
        });
        let choices = choices.filter(|names| names.len() > 1).collect();
        Object { properties, is_closed: direction == Direction::Body, choices }
    }

    fn property(&mut self, field: &FieldDescriptor, direction: Direction) -> Property {
        Property {
            name: field.json_name().to_owned(),
            description: self.comments.at(&field.parent_message().parent_file(), field.path()),
            schema: self.field(field, direction),
            is_required: match direction {
                Direction::Body | Direction::Parameter => Rules::of(field).need(field),
                // Only what is unset is left out.
                Direction::Answer => !field.supports_presence(),
            },
        }
    }

    /// The schema of an enum, by the names of its values.
    fn names(&mut self, values: &EnumDescriptor) -> Json {
        let name = values.full_name().to_owned();
        if !self.named.contains_key(&name) {
            let file = values.parent_file();
            let names = values.values().map(|value| Name {
                name: value.name().to_owned(),
                description: self.comments.at(&file, value.path()),
            });
            let names = Shape::Names(names.collect());
            let title = title(values.full_name(), values.package_name());
            let description = self.comments.at(&file, values.path());
            self.named.insert(name.clone(), Named { title, description, shape: names });
        }
        reference(&name)
    }
}

/// The name of a message without its package.
fn title(full_name: &str, package: &str) -> String {
    let name = full_name.strip_prefix(package).unwrap_or(full_name);
    name.trim_start_matches('.').to_owned()
}

/// What refers to a schema by its name.
pub fn reference(name: &str) -> Json {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

impl Named {
    /// Whether it is as answers hold it.
    const fn is_answered(&self) -> bool {
        match &self.shape {
            Shape::Object(object) => !object.is_closed,
            Shape::Open | Shape::Names(_) => false,
        }
    }

    /// Its schema.
    pub fn json(&self) -> Json {
        let mut schema = match &self.shape {
            Shape::Open => Map::new(),
            Shape::Object(object) => object.json(),
            Shape::Names(names) => {
                let names: Vec<_> = names.iter().map(|it| &*it.name).collect();
                Map::from_iter([("type".into(), json!("string")), ("enum".into(), json!(names))])
            }
        };
        schema.insert("title".to_owned(), json!(self.title));
        describe(&mut schema, &self.description);
        Json::Object(schema)
    }
}

impl Object {
    /// Its schema.
    pub fn json(&self) -> Map<String, Json> {
        let described = |it: &Property| {
            let mut schema = it.schema.as_object().cloned().unwrap_or_default();
            describe(&mut schema, &it.description);
            (it.name.clone(), Json::Object(schema))
        };
        let properties: Map<_, _> = self.properties.iter().map(described).collect();
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("object"));
        schema.insert("properties".to_owned(), Json::Object(properties));
        if self.is_closed {
            schema.insert("additionalProperties".to_owned(), json!(false));
        }
        let needed = self.needed();
        if !needed.is_empty() {
            schema.insert("required".to_owned(), json!(needed));
        }
        let exclusive = self.exclusive();
        if !exclusive.is_empty() {
            schema.insert("allOf".to_owned(), json!(exclusive));
        }
        schema
    }

    /// The names of the fields that have to be there.
    pub fn needed(&self) -> Vec<&str> {
        self.properties.iter().filter(|it| it.is_required).map(|it| &*it.name).collect()
    }

    /// No two of a choice at once.
    fn exclusive(&self) -> Vec<Json> {
        let pairs = |names: &Vec<String>| {
            let pair = |(index, one): (usize, &String)| {
                let both = |other| json!({ "not": { "required": [one, other] } });
                names[index + 1..].iter().map(both).collect::<Vec<_>>()
            };
            names.iter().enumerate().flat_map(pair).collect::<Vec<_>>()
        };
        self.choices.iter().flat_map(pairs).collect()
    }
}

fn describe(schema: &mut Map<String, Json>, description: &str) {
    if !description.is_empty() {
        schema.insert("description".to_owned(), json!(description));
    }
}
