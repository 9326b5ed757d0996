//! Keys for providers' APIs, and what may be said of them.

use std::fmt;

use roster_kernel::{ApiKeyId, Etag, Timestamp, UserId};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::text::{InvalidText, checked_name};

/// The most keys that one owner has.
pub const MOST_API_KEYS: u64 = 200;

const LONGEST_PROVIDER: usize = 50;
const SHORTEST_SECRET: usize = 8;
const LONGEST_SECRET: usize = 1_024;

/// How many characters of a secret its mask shows.
const SHOWN: usize = 4;

/// Why a text does not belong to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidApiKey {
    /// No name of a provider.
    #[error(
        "must have 1 to {LONGEST_PROVIDER} lower-case letters, digits, hyphens and underscores"
    )]
    Provider,
    /// The secret has too few characters.
    #[error("must have at least {SHORTEST_SECRET} characters")]
    ShortSecret,
    /// The secret has too many bytes.
    #[error("must have at most {LONGEST_SECRET} bytes")]
    LongSecret,
    /// The secret holds what no key does, and what may break the call that it
    /// is made for: a line break that was copied with it, as a rule.
    #[error("must not contain control characters, such as a line break")]
    ControlCharacter,
}

/// Who a key belongs to. An owner has one key for each provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Owner {
    /// A user: the key is for calls on this user's behalf.
    User(UserId),
    /// The installation: the key is for users who have none of their own.
    System,
}

impl Owner {
    /// The user, if it is one.
    #[must_use]
    pub const fn user(self) -> Option<UserId> {
        match self {
            Self::User(user_id) => Some(user_id),
            Self::System => None,
        }
    }
}

impl From<Option<UserId>> for Owner {
    fn from(user: Option<UserId>) -> Self {
        user.map_or(Self::System, Self::User)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user_id) => user_id.fmt(f),
            Self::System => f.write_str("system"),
        }
    }
}

/// The name of a provider, such as `anthropic`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Provider(String);

impl Provider {
    /// Takes 1 to 50 lower-case ASCII letters, digits, hyphens and
    /// underscores.
    pub fn parse(text: &str) -> Result<Self, InvalidApiKey> {
        let fits = |b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        if !(1..=LONGEST_PROVIDER).contains(&text.len()) || !text.bytes().all(fits) {
            return Err(InvalidApiKey::Provider);
        }
        Ok(Self(text.to_owned()))
    }

    /// Takes a name that was parsed before it was stored.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the owner calls a key: 1 to 100 characters (Unicode code points), kept
/// as they were sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyName(String);

impl KeyName {
    /// Takes a text that is within the bounds.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        checked_name(text).map(Self)
    }

    /// Takes a name that was parsed before it was stored.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A key itself, taken byte for byte. Shown by nothing.
#[derive(Clone, Debug)]
pub struct ApiSecret(SecretString);

impl ApiSecret {
    /// Takes a text of at least 8 characters (Unicode code points) and at most
    /// 1,024 bytes without control characters.
    pub fn accept(text: String) -> Result<Self, InvalidApiKey> {
        // From here on the memory is wiped when it is given back.
        let text = SecretString::from(text);
        let it = text.expose_secret();
        if it.len() > LONGEST_SECRET {
            return Err(InvalidApiKey::LongSecret);
        }
        if it.chars().count() < SHORTEST_SECRET {
            return Err(InvalidApiKey::ShortSecret);
        }
        if it.contains(char::is_control) {
            return Err(InvalidApiKey::ControlCharacter);
        }
        Ok(Self(text))
    }

    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }

    /// What is shown of the secret: its last four characters. There are four
    /// others at least.
    #[must_use]
    pub fn mask(&self) -> String {
        let it = self.0.expose_secret();
        let from = it.char_indices().rev().nth(SHOWN - 1).map_or(it.len(), |(at, _)| at);
        format!("...{}", &it[from..])
    }
}

/// A key, apart from the key itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The id.
    pub id: ApiKeyId,
    /// Who it belongs to.
    pub owner: Owner,
    /// What it opens.
    pub provider: Provider,
    /// What the owner calls it.
    pub name: KeyName,
    /// What is shown of the secret.
    pub mask: String,
    /// Whether it is handed out.
    pub active: bool,
    /// How often it was handed out.
    pub use_count: i64,
    /// When it was handed out last.
    pub last_used_at: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it changed last; being handed out is no change.
    pub updated_at: Timestamp,
    /// Names the present state.
    pub etag: Etag,
}

/// New values of what can be changed; `None` leaves a value as it is.
#[derive(Clone, Debug, Default)]
pub struct ApiKeyChanges {
    /// What the owner calls it.
    pub name: Option<KeyName>,
    /// Whether it is handed out.
    pub active: Option<bool>,
    /// The key itself.
    pub secret: Option<ApiSecret>,
}

impl ApiKey {
    /// Takes the new values in, of the secret what is shown of it; answers
    /// the names of the fields whose values are others than before. A secret
    /// counts as another: whether it is shall not be said.
    pub fn change(&mut self, changes: &ApiKeyChanges) -> Vec<&'static str> {
        let mut fields = Vec::new();
        if let Some(name) = changes.name.as_ref().filter(|name| **name != self.name) {
            self.name = name.clone();
            fields.push("name");
        }
        if let Some(active) = changes.active.filter(|active| *active != self.active) {
            self.active = active;
            fields.push("active");
        }
        if let Some(secret) = &changes.secret {
            self.mask = secret.mask();
            fields.push("secret");
        }
        fields
    }
}

/// A secret as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The encrypted secret and what proves it (AES-256-GCM).
    pub ciphertext: Vec<u8>,
    /// What was drawn for this encryption: 96 bits.
    pub nonce: Vec<u8>,
    /// The version of the key that it is encrypted with.
    pub key_version: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(secret: &str) -> Option<InvalidApiKey> {
        ApiSecret::accept(secret.to_owned()).err()
    }

    #[test]
    fn a_secret_has_bounds_in_characters_below_and_in_bytes_above() {
        assert_eq!(refused("1234567"), Some(InvalidApiKey::ShortSecret));
        assert_eq!(refused("äöüßéèà"), Some(InvalidApiKey::ShortSecret));
        assert_eq!(refused("äöüßéèàç"), None);
        assert_eq!(refused(&"a".repeat(1_024)), None);
        assert_eq!(refused(&"a".repeat(1_025)), Some(InvalidApiKey::LongSecret));
        for strange in ["sk-12345\n", "sk-\0-12345", "sk-\u{7f}12345", "sk-\u{85}12345"] {
            assert_eq!(refused(strange), Some(InvalidApiKey::ControlCharacter), "{strange:?}");
        }
    }

    #[test]
    fn a_mask_shows_four_characters_and_hides_four_at_least() {
        for (secret, mask) in [
            ("12345678", "...5678"),
            ("sk-ant-0123456789", "...6789"),
            ("schlüssel-ßäöü", "...ßäöü"),
            ("🔑🔑🔑🔑🗝🗝🗝🗝", "...🗝🗝🗝🗝"),
        ] {
            assert_eq!(ApiSecret::accept(secret.to_owned()).unwrap().mask(), mask);
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret = ApiSecret::accept("sk-hunter22".to_owned()).unwrap();
        assert!(!format!("{secret:?}").contains("hunter22"));
        let changes = ApiKeyChanges { secret: Some(secret), ..ApiKeyChanges::default() };
        assert!(!format!("{changes:?}").contains("hunter22"));
    }

    #[test]
    fn a_provider_is_a_plain_word() {
        for fits in ["a", "open-ai_2", &"a".repeat(50)] {
            assert_eq!(Provider::parse(fits).unwrap().as_str(), fits);
        }
        for odd in ["", "Acme", "a b", "a.b", "ä", "a\n", &"a".repeat(51)] {
            assert_eq!(Provider::parse(odd), Err(InvalidApiKey::Provider), "{odd:?}");
        }
    }
}
