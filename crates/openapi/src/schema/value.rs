//! What the value of a field looks like.

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind};
use serde_json::{Map, Value as Json, json};

use super::{Direction, Schemas, known};
use crate::rules::{Rules, bits};

impl Schemas {
    /// The schema of a field: of its value, or that it is not there.
    pub fn field(&mut self, field: &FieldDescriptor, direction: Direction) -> Json {
        let schema = self.value(field, direction);
        // Nothing said is nothing sent, where that is enough.
        let may_be_null = direction == Direction::Body && !Rules::of(field).need(field);
        if may_be_null { nullable(schema) } else { schema }
    }

    /// The schema of a field's value.
    pub fn value(&mut self, field: &FieldDescriptor, direction: Direction) -> Json {
        let rules = Rules::of(field);
        let kind = field.kind();
        if let Kind::Message(entry) = &kind
            && field.is_map()
        {
            let values = entry.map_entry_value_field().kind();
            let values = self.single(&values, &Rules::default(), direction);
            json!({ "type": "object", "additionalProperties": values })
        } else if field.is_list() {
            // There is no `null` among the items.
            let items = self.single(&kind, &rules.items(), direction);
            let mut list = Map::new();
            list.insert("type".to_owned(), json!("array"));
            list.insert("items".to_owned(), items);
            if direction != Direction::Answer {
                rules.constrain(&kind, &mut list);
            }
            Json::Object(list)
        } else {
            self.single(&kind, &rules, direction)
        }
    }

    /// The schema of one value.
    fn single(&mut self, kind: &Kind, rules: &Rules, direction: Direction) -> Json {
        let mut schema = match kind {
            Kind::Message(message) if known::is_wrapper(message) => {
                let inner = message.get_field_by_name("value").map(|it| it.kind());
                return inner.map_or(json!({}), |it| self.single(&it, rules, direction));
            }
            Kind::Message(message) => return self.message(message, direction),
            Kind::Enum(values) => {
                let names = self.names(values);
                return if direction == Direction::Answer {
                    names
                } else {
                    sent(names, values, rules)
                };
            }
            Kind::Bool => typed("boolean"),
            Kind::String => typed("string"),
            Kind::Bytes => with(typed("string"), "contentEncoding", json!("base64")),
            Kind::Float | Kind::Double => return float(kind, rules, direction),
            Kind::Int32
            | Kind::Int64
            | Kind::Uint32
            | Kind::Uint64
            | Kind::Sint32
            | Kind::Sint64
            | Kind::Fixed32
            | Kind::Fixed64
            | Kind::Sfixed32
            | Kind::Sfixed64 => return integer(kind, rules, direction),
        };
        if direction != Direction::Answer {
            rules.constrain(kind, &mut schema);
        }
        Json::Object(schema)
    }
}

/// A value of an enum, as it is sent: by its name or its number.
fn sent(mut names: Json, values: &EnumDescriptor, rules: &Rules) -> Json {
    let mut numbers: Vec<_> = values.values().map(|it| it.number()).collect();
    if rules.required()
        && let Some(unspecified) = values.get_value(0)
    {
        names["not"] = json!({ "const": unspecified.name() });
        numbers.retain(|number| *number != 0);
    }
    let number = if rules.defined_only() {
        json!({ "enum": numbers })
    } else {
        json!({ "type": "integer", "format": "int32" })
    };
    json!({ "anyOf": [names, number] })
}

/// An integer. Large ones are answered as texts, which every reader of JSON
/// understands.
fn integer(kind: &Kind, rules: &Rules, direction: Direction) -> Json {
    let unsigned = matches!(kind, Kind::Uint32 | Kind::Uint64 | Kind::Fixed32 | Kind::Fixed64);
    let bits = bits(kind);
    let format = json!(format!("{}int{bits}", if unsigned { "u" } else { "" }));
    if direction == Direction::Answer && bits == 64 {
        let schema = with(typed("string"), "format", format);
        let pattern = if unsigned { "^[0-9]+$" } else { "^-?[0-9]+$" };
        return Json::Object(with(schema, "pattern", json!(pattern)));
    }
    let mut schema = with(typed("integer"), "format", format);
    let (least, most) = match (unsigned, bits) {
        (true, 32) => (json!(0), json!(u32::MAX)),
        (true, _) => (json!(0), json!(u64::MAX)),
        (false, 32) => (json!(i32::MIN), json!(i32::MAX)),
        (false, _) => (json!(i64::MIN), json!(i64::MAX)),
    };
    if direction == Direction::Answer {
        return Json::Object(schema);
    }
    schema.insert("minimum".to_owned(), least);
    schema.insert("maximum".to_owned(), most);
    rules.constrain(kind, &mut schema);
    Json::Object(or_text(schema, "integer", kind, rules, direction))
}

fn float(kind: &Kind, rules: &Rules, direction: Direction) -> Json {
    let format = if *kind == Kind::Float { "float" } else { "double" };
    let mut schema = with(typed("number"), "format", json!(format));
    if direction == Direction::Answer {
        let odd = json!({ "enum": ["NaN", "Infinity", "-Infinity"] });
        return json!({ "anyOf": [schema, odd] });
    }
    rules.constrain(kind, &mut schema);
    Json::Object(or_text(schema, "number", kind, rules, direction))
}

/// In a body a number may be a text.
fn or_text(
    schema: Map<String, Json>,
    name: &str,
    kind: &Kind,
    rules: &Rules,
    direction: Direction,
) -> Map<String, Json> {
    match rules.texts(kind).filter(|_| direction == Direction::Body) {
        None => schema,
        Some(texts) => with(with(schema, "type", json!([name, "string"])), "pattern", json!(texts)),
    }
}

fn typed(name: &str) -> Map<String, Json> {
    Map::from_iter([("type".to_owned(), json!(name))])
}

fn with(mut schema: Map<String, Json>, keyword: &str, value: Json) -> Map<String, Json> {
    schema.insert(keyword.to_owned(), value);
    schema
}

/// The same, or `null`.
fn nullable(mut schema: Json) -> Json {
    let null = json!({ "type": "null" });
    if let Some(any) = schema.get_mut("anyOf").and_then(Json::as_array_mut) {
        any.push(null);
        return schema;
    }
    if schema.get("$ref").is_some() {
        return json!({ "anyOf": [schema, null] });
    }
    match schema.get_mut("type") {
        Some(Json::Array(types)) => types.push(json!("null")),
        Some(one) => *one = json!([one, "null"]),
        // Whatever it is, it may be that already.
        None => {}
    }
    schema
}
