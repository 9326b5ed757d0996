//! Which state of a thing is meant (AIP-154).

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Env;

/// Names one state of a thing. Not a count: a count would come back when the
/// database is restored from a backup, for another state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Etag(Uuid);

impl Etag {
    /// A name that no state had before.
    #[must_use]
    pub fn generate(env: &Env) -> Self {
        Self(env.uuid())
    }

    /// The bare UUID, as storage keeps it.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// Whether this is the state that a client means; without an `expected`
    /// one, any is.
    #[must_use]
    pub fn matches(self, expected: &str) -> bool {
        expected.is_empty() || self.to_string() == expected
    }
}

impl From<Uuid> for Etag {
    fn from(etag: Uuid) -> Self {
        Self(etag)
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_text_names_the_state() {
        let env = Env::system();
        let etag = Etag::generate(&env);
        let text = etag.to_string();
        assert!(etag.matches(&text));
        assert!(etag.matches(""));
        assert!(!etag.matches(&format!("{text} ")));
        assert!(!etag.matches(&text[1..]));
        assert!(!etag.matches(&Etag::generate(&env).to_string()));
    }
}
