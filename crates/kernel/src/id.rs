//! Identifiers: one type per kind of thing, so that they cannot be confused.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Env;

/// A text that is not a UUID in its canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a UUID in its hyphenated lower-case form")]
pub struct ParseIdError;

fn parse(text: &str) -> Result<Uuid, ParseIdError> {
    let id = Uuid::try_parse(text).map_err(|_| ParseIdError)?;
    // One spelling per id: otherwise a comparison as text, in a log or at a
    // client, would take two spellings of one id for two things.
    let mut buffer = Uuid::encode_buffer();
    if id.hyphenated().encode_lower(&mut buffer) == text { Ok(id) } else { Err(ParseIdError) }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, ordered by its time of creation (UUIDv7).
            #[must_use]
            pub fn generate(env: &Env) -> Self {
                Self(env.uuid())
            }

            /// Reads the canonical text form.
            pub fn parse(text: &str) -> Result<Self, ParseIdError> {
                parse(text).map(Self)
            }

            /// The bare UUID, as storage keeps it.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    };
}

id!(
    /// A user account. Never given to another account, not even after deletion.
    UserId
);
id!(
    /// A signed-in session.
    SessionId
);
id!(
    /// A persona.
    PersonaId
);
id!(
    /// The ontology of a persona.
    OntologyId
);
id!(
    /// An annotation.
    AnnotationId
);
id!(
    /// A provider API key.
    ApiKeyId
);
id!(
    /// A token for a program.
    MachineTokenId
);
id!(
    /// A user deletion: the operation, not the user.
    DeletionId
);
id!(
    /// An announced event.
    EventId
);
id!(
    /// A client's name for one mutation, so that it can be repeated safely
    /// (AIP-155).
    RequestId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_form_is_read() {
        let text = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(UserId::parse(text).unwrap().to_string(), text);
        for other in [
            "01890A5D-AC96-774B-BCCE-B302099A8057",
            "01890a5dac96774bbcceb302099a8057",
            "{01890a5d-ac96-774b-bcce-b302099a8057}",
            "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
            "",
            "1",
        ] {
            assert_eq!(UserId::parse(other), Err(ParseIdError), "{other}");
        }
    }
}
