//! Nothing is said twice: JSON leaves open which of two values of a name holds,
//! and a field has two names. And nothing is said that nobody would read.

use std::{collections::HashSet, fmt};

use prost_reflect::{FieldDescriptor, MessageDescriptor};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Reads any JSON, and refuses an object that names something twice, or a field
/// that there is not.
#[derive(Clone, Debug)]
pub enum Unique {
    /// What is expected is a message, or several.
    Message(MessageDescriptor),
    /// What is expected is a map, whose values are this.
    Map(Box<Self>),
    /// Nobody knows; names are what they are.
    Anything,
    /// Nothing is, for this reason.
    Nothing(&'static str),
}

impl Unique {
    /// What is expected of the values of a field.
    pub fn of(field: &FieldDescriptor) -> Self {
        let kind = field.kind();
        let Some(message) = kind.as_message() else { return Self::Anything };
        if field.is_map() {
            return Self::Map(Box::new(Self::of(&message.map_entry_value_field())));
        }
        // The library's have JSON of their own.
        let is_own = message.parent_file().package_name() == "google.protobuf";
        if is_own { Self::Anything } else { Self::Message(message.clone()) }
    }

    /// What a name stands for, and what is expected of its value.
    fn meaning(&self, name: String) -> (String, Self) {
        match self {
            Self::Message(message) => {
                let named = message.get_field_by_json_name(&name);
                match named.or_else(|| message.get_field_by_name(&name)) {
                    Some(field) => (field.json_name().to_owned(), Self::of(&field)),
                    None => (name, Self::Nothing("there is no such field")),
                }
            }
            Self::Map(value) => (name, (**value).clone()),
            Self::Anything | Self::Nothing(_) => (name, Self::Anything),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if let Self::Nothing(why) = self {
            return Err(D::Error::custom(why));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let (meaning, value) = self.meaning(name);
            let again = !seen.insert(meaning);
            // Refused as a value, so that it is known whose.
            let value = if again { Self::Nothing("is given more than once") } else { value };
            map.next_value_seed(value)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(self.clone())?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
