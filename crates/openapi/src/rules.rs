//! The rules of fields (`buf.validate`), as JSON Schema says them.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage as _, Value};
use regex::Regex;
use serde_json::{Map, Value as Json, json};

/// The option of a field that holds its rules.
const OPTION: &str = "buf.validate.field";

/// What the values of a field must satisfy.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Those of the field, whatever its type.
    field: Option<DynamicMessage>,
    /// Those of its type.
    typed: Option<DynamicMessage>,
}

impl Rules {
    /// Reads the rules of a field.
    pub fn of(field: &FieldDescriptor) -> Self {
        let Some(option) = field.parent_pool().get_extension_by_name(OPTION) else {
            return Self::default();
        };
        let options = field.options();
        if !options.has_extension(&option) {
            return Self::default();
        }
        options.get_extension(&option).as_message().cloned().map(Self::read).unwrap_or_default()
    }

    fn read(field: DynamicMessage) -> Self {
        let typed = field.fields().find_map(|(_, value)| value.as_message().cloned());
        Self { field: Some(field), typed }
    }

    /// The rules of each item of a list.
    pub fn items(&self) -> Self {
        let rules = self.get("items").and_then(|it| it.as_message().cloned());
        rules.map(Self::read).unwrap_or_default()
    }

    /// Whether an enum may only have the values that it names.
    pub fn defined_only(&self) -> bool {
        self.flag("defined_only")
    }

    /// Whether there has to be a value, and another than a field of this type
    /// begins with.
    pub fn required(&self) -> bool {
        let required = self.field.as_ref().and_then(|it| it.get_field_by_name("required"));
        required.and_then(|it| it.as_bool()).unwrap_or_default()
    }

    /// Whether nothing at all would be refused, where what is not sent has the
    /// value that a field of this type begins with.
    pub fn need(&self, field: &FieldDescriptor) -> bool {
        if self.required() {
            return true;
        }
        if field.is_list() || field.is_map() {
            return self.number("min_items").is_some_and(|least| least > 0.0);
        }
        if field.supports_presence() {
            return false;
        }
        let refused = |pattern: Value| {
            let pattern = pattern.as_str().and_then(|it| Regex::new(it).ok());
            pattern.is_some_and(|it| !it.is_match(""))
        };
        let least = ["min_len", "min_bytes", "gte"].into_iter().filter_map(|it| self.number(it));
        least.into_iter().any(|it| it > 0.0)
            || self.number("lte").is_some_and(|most| most < 0.0)
            || self.flag("uuid")
            || self.flag("email")
            || self.get("pattern").is_some_and(refused)
    }

    /// Says in `schema` what they demand of a value of this kind. Bytes are no
    /// characters, so their numbers have names of their own.
    pub fn constrain(&self, kind: &Kind, schema: &mut Map<String, Json>) {
        for (rule, keyword) in [
            ("min_items", "minItems"),
            ("max_items", "maxItems"),
            ("unique", "uniqueItems"),
            ("pattern", "pattern"),
            ("gte", "minimum"),
            ("lte", "maximum"),
            ("min_bytes", "x-min-bytes"),
            ("max_bytes", "x-max-bytes"),
        ] {
            if let Some(value) = self.get(rule).and_then(|it| json_of(&it)) {
                schema.insert(keyword.to_owned(), value);
            }
        }
        let names = if *kind == Kind::Bytes {
            ["x-min-bytes", "x-max-bytes"]
        } else {
            ["minLength", "maxLength"]
        };
        for (rule, keyword) in ["min_len", "max_len"].into_iter().zip(names) {
            if let Some(value) = self.get(rule).and_then(|it| json_of(&it)) {
                schema.insert(keyword.to_owned(), value);
            }
        }
        for format in ["uuid", "email"].into_iter().filter(|it| self.flag(it)) {
            schema.insert("format".to_owned(), json!(format));
        }
    }

    /// An expression for texts that surely are numbers with these rules, if there
    /// is one: proto3 JSON takes them for numbers.
    pub fn texts(&self, kind: &Kind) -> Option<String> {
        let unsigned = matches!(kind, Kind::Uint32 | Kind::Fixed32 | Kind::Uint64 | Kind::Fixed64);
        let sign = match (self.number("gte"), self.number("lte")) {
            (None, None) if !unsigned => "-?",
            (None | Some(0.0), None) => "",
            (Some(_), None) | (_, Some(_)) => return None,
        };
        let digits = match (matches!(kind, Kind::Float | Kind::Double), bits(kind)) {
            (true, _) if sign.is_empty() => r"[0-9]{1,15}(\.[0-9]{1,15})?",
            (true, _) => r"([0-9]{1,15}(\.[0-9]{1,15})?|Infinity)|NaN",
            (false, 32) => "[0-9]{1,9}",
            (false, _) => "[0-9]{1,18}",
        };
        Some(format!("^({sign}{digits})$"))
    }

    /// The value of a rule of the type, if it is given.
    fn get(&self, rule: &str) -> Option<Value> {
        let typed = self.typed.as_ref()?;
        let field = typed.descriptor().get_field_by_name(rule)?;
        typed.has_field(&field).then(|| typed.get_field(&field).into_owned())
    }

    fn flag(&self, rule: &str) -> bool {
        self.get(rule).and_then(|it| it.as_bool()).unwrap_or_default()
    }

    fn number(&self, rule: &str) -> Option<f64> {
        json_of(&self.get(rule)?)?.as_f64()
    }
}

/// A number, a text or a flag as JSON.
fn json_of(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Bool(it) => json!(it),
        Value::I32(it) => json!(it),
        Value::I64(it) => json!(it),
        Value::U32(it) => json!(it),
        Value::U64(it) => json!(it),
        Value::F32(it) => json!(it),
        Value::F64(it) => json!(it),
        Value::String(it) => json!(it),
        // Rules have none of these.
        Value::Bytes(_)
        | Value::EnumNumber(_)
        | Value::Message(_)
        | Value::List(_)
        | Value::Map(_) => return None,
    })
}

/// How many bits an integer of this kind has.
pub const fn bits(kind: &Kind) -> u8 {
    let few =
        matches!(kind, Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 | Kind::Uint32 | Kind::Fixed32);
    if few { 32 } else { 64 }
}
