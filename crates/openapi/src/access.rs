//! Who may call a method.

use prost_reflect::{ExtensionDescriptor, MethodDescriptor};

/// The option of a method that says it.
pub const OPTION: &str = "roster.access.v1.access";

/// The kind of caller that a method is open to. What is for services alone has
/// none: it is not offered over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Anyone.
    Public,
    /// Any signed-in user.
    User,
    /// Administrators.
    Admin,
}

impl Level {
    /// Reads the option.
    pub(crate) fn of(method: &MethodDescriptor, option: &ExtensionDescriptor) -> Option<Self> {
        let options = method.options();
        let access = options.get_extension(option);
        match access.as_message()?.get_field_by_name("level")?.as_enum_number()? {
            1 => Some(Self::Public),
            2 => Some(Self::User),
            3 => Some(Self::Admin),
            _ => None,
        }
    }

    /// Its name, as the document gives it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "PUBLIC",
            Self::User => "USER",
            Self::Admin => "ADMIN",
        }
    }

    /// Whom it lets in.
    pub(crate) const fn callers(self) -> &'static str {
        match self {
            Self::Public => "Anyone, signed in or not",
            Self::User => "Signed-in users",
            Self::Admin => "Administrators",
        }
    }
}
