//! Fields by their dotted paths, in the names of the contract or of JSON.

use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, Value};

/// A field of a message, of a message in it, and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath(Vec<FieldDescriptor>);

impl From<FieldDescriptor> for FieldPath {
    fn from(field: FieldDescriptor) -> Self {
        Self(vec![field])
    }
}

impl FieldPath {
    /// Finds the field that `path` names, such as `persona.name`. On the way to it
    /// there are single messages only.
    #[must_use]
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
    #[must_use]
    pub fn last(&self) -> &FieldDescriptor {
        &self.0[self.0.len() - 1]
    }

    /// The outermost field.
    #[must_use]
    pub fn first(&self) -> &FieldDescriptor {
        &self.0[0]
    }

    /// The path in the names of the contract.
    #[must_use]
    pub fn name(&self) -> String {
        self.0.iter().map(FieldDescriptor::name).collect::<Vec<_>>().join(".")
    }

    /// The path in the names of JSON.
    #[must_use]
    pub fn json_name(&self) -> String {
        self.0.iter().map(FieldDescriptor::json_name).collect::<Vec<_>>().join(".")
    }

    /// The fields on the way, from the outermost to the field itself.
    #[must_use]
    pub fn fields(&self) -> &[FieldDescriptor] {
        &self.0
    }

    /// The path to a field of the message that this one holds.
    pub(crate) fn then(&self, field: FieldDescriptor) -> Self {
        Self(self.0.iter().cloned().chain([field]).collect())
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
#[must_use]
pub fn single_message(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let one = !field.is_list() && !field.is_map();
    field.kind().as_message().filter(|_| one).cloned()
}
