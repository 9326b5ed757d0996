//! What a user proves who they are with.

use secrecy::{ExposeSecret, SecretString};

/// The fewest characters that can be configured.
pub const SHORTEST_PASSWORD: usize = 6;

/// The most bytes: enough for any passphrase, and a bound for strangers.
pub const LONGEST_PASSWORD: usize = 1_024;

/// Why a text cannot be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPassword {
    /// It has too few characters.
    #[error("must have at least {0} characters")]
    TooShort(usize),
    /// It has too many bytes.
    #[error("must have at most {LONGEST_PASSWORD} bytes")]
    TooLong,
    /// It is empty where one has to be given.
    #[error("must not be empty")]
    Empty,
}

/// A password, taken byte for byte: never trimmed, never normalised. Shown by
/// nothing.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

impl Password {
    /// Takes a password that somebody claims to be the right one: its length
    /// says nothing about what was allowed when it was chosen.
    pub fn claimed(text: String) -> Result<Self, InvalidPassword> {
        let text = SecretString::from(text);
        match text.expose_secret().len() {
            0 => Err(InvalidPassword::Empty),
            1..=LONGEST_PASSWORD => Ok(Self(text)),
            _ => Err(InvalidPassword::TooLong),
        }
    }

    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }

    /// Whether both are the same, byte for byte. For two passwords of one
    /// person, who knows both: how long it takes says something.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

/// What is asked of a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// The fewest characters (Unicode code points).
    pub min_length: usize,
}

impl PasswordPolicy {
    /// Takes a password that somebody chose.
    pub fn accept(self, text: String) -> Result<Password, InvalidPassword> {
        if text.len() > LONGEST_PASSWORD {
            return Err(InvalidPassword::TooLong);
        }
        if text.chars().count() < self.min_length {
            return Err(InvalidPassword::TooShort(self.min_length));
        }
        Password::claimed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: PasswordPolicy = PasswordPolicy { min_length: 6 };

    fn refused(text: &str) -> Option<InvalidPassword> {
        POLICY.accept(text.to_owned()).err()
    }

    #[test]
    fn bounds_are_in_characters_below_and_in_bytes_above() {
        assert_eq!(refused("12345"), Some(InvalidPassword::TooShort(6)));
        assert_eq!(refused("äöüßé"), Some(InvalidPassword::TooShort(6)));
        assert_eq!(refused("äöüßéè"), None);
        assert_eq!(refused(&"a".repeat(1_024)), None);
        assert_eq!(refused(&"a".repeat(1_025)), Some(InvalidPassword::TooLong));
        assert_eq!(refused(&"ä".repeat(513)), Some(InvalidPassword::TooLong));
    }

    #[test]
    fn every_byte_counts() {
        let spaced = POLICY.accept(" a\0b c ".to_owned()).unwrap();
        assert_eq!(spaced.expose(), b" a\0b c ");
        assert!(!spaced.is(&POLICY.accept("a\0b c ".to_owned()).unwrap()));
    }

    #[test]
    fn it_is_not_shown() {
        let password = POLICY.accept("hunter22".to_owned()).unwrap();
        assert!(!format!("{password:?}").contains("hunter22"));
    }
}
