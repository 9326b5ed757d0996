//! Fields by their dotted paths, in the names of the contract or of JSON.

use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, Value};

/// A field of a message, of a message in it, and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath(Vec<FieldDescriptor>);

impl FieldPath {
    /// Finds the field that `path` names, such as `persona.name`. On the way to it
    /// there are single messages only.
    pub fn find(message: &MessageDescriptor, path: &str) -> Option<Self> {
        let mut fields: Vec<FieldDescriptor> = Vec::new();
        for name in path.split('.') {
            let within = match fields.last() {
                None => message.clone(),
                Some(last) => single_message(last)?,
            };
            let named = within.get_field_by_name(name);
            fields.push(named.or_else(|| within.get_field_by_json_name(name))?);
        }
        Some(Self(fields))
    }

    /// The field itself.
    pub fn last(&self) -> &FieldDescriptor {
        &self.0[self.0.len() - 1]
    }

    /// The outermost field.
    pub fn first(&self) -> &FieldDescriptor {
        &self.0[0]
    }

    /// The path in the names of the contract.
    pub fn name(&self) -> String {
        self.0.iter().map(FieldDescriptor::name).collect::<Vec<_>>().join(".")
    }

    /// Gives the field of `message` a value, whatever it had.
    pub fn set(&self, message: &mut DynamicMessage, value: Value) {
        let mut within = message;
        for field in &self.0[..self.0.len() - 1] {
            // What is on the way is a message: it was found like that.
            let Some(next) = within.get_field_mut(field).as_message_mut() else { return };
            within = next;
        }
        within.set_field(self.last(), value);
    }
}

/// The message that a field holds one of.
pub fn single_message(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let one = !field.is_list() && !field.is_map();
    field.kind().as_message().filter(|_| one).cloned()
}
