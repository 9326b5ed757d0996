//! Texts that people chose: data, to be shown and never to be interpreted.

use serde::{Deserialize, Serialize};

const LONGEST_NAME: usize = 100;
const LONGEST_EMAIL: usize = 254;

/// Why a text is not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// A name that is empty or too long.
    #[error("must have 1 to {LONGEST_NAME} characters")]
    NameLength,
    /// U+0000, which not every storage engine can keep.
    #[error("must not contain U+0000")]
    Nul,
    /// An email that is too long.
    #[error("must have at most {LONGEST_EMAIL} bytes")]
    EmailLength,
    /// An email of another form.
    #[error("must be of the form local@domain, without spaces")]
    EmailForm,
}

/// A text that is fit for a name: 1 to 100 characters (Unicode code points).
pub(super) fn checked_name(text: &str) -> Result<String, InvalidText> {
    if !(1..=LONGEST_NAME).contains(&text.chars().count()) {
        return Err(InvalidText::NameLength);
    }
    if text.contains('\0') {
        return Err(InvalidText::Nul);
    }
    Ok(text.to_owned())
}

/// What others see of a user: 1 to 100 characters (Unicode code points), kept
/// as they were sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DisplayName(String);

impl DisplayName {
    /// Takes a text that is within the bounds.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        checked_name(text).map(Self)
    }

    /// Takes a name that was parsed before it was stored, under bounds that
    /// may have been others.
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

/// Where a user can be written to: something of the form `local@domain` of at
/// most 254 bytes, or nothing. Whether mail arrives there is for mail to show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Takes a text of the form, or an empty one.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        if text.len() > LONGEST_EMAIL {
            return Err(InvalidText::EmailLength);
        }
        let (local, domain) = text.split_once('@').ok_or(InvalidText::EmailForm)?;
        let strange = |c: char| c == '@' || c.is_whitespace() || c.is_control();
        if local.is_empty()
            || domain.is_empty()
            || local.contains(strange)
            || domain.contains(strange)
        {
            return Err(InvalidText::EmailForm);
        }
        Ok(Self(text.to_owned()))
    }

    /// Takes an email that was parsed before it was stored.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_name_is_kept_as_it_is() {
        let hostile = " <b>\u{202e}\r\n\u{7f}\u{1b}[0m ";
        assert_eq!(DisplayName::parse(hostile).unwrap().as_str(), hostile);
        assert_eq!(DisplayName::parse(""), Err(InvalidText::NameLength));
        assert!(DisplayName::parse(&"ä".repeat(100)).is_ok());
        assert_eq!(DisplayName::parse(&"ä".repeat(101)), Err(InvalidText::NameLength));
        assert_eq!(DisplayName::parse("a\0"), Err(InvalidText::Nul));
    }

    #[test]
    fn an_email_has_two_sides() {
        assert_eq!(Email::parse(""), Ok(Email::default()));
        for fits in ["a@b", "jörg+x@exämple.org", "o'hara@example.org"] {
            assert_eq!(Email::parse(fits).unwrap().as_str(), fits);
        }
        for odd in ["a", "@b", "a@", "a@b@c", "a b@c", "a@b\n", "a@\u{a0}b", "a\0@b"] {
            assert_eq!(Email::parse(odd), Err(InvalidText::EmailForm), "{odd:?}");
        }
        let long = format!("{}@b", "a".repeat(253));
        assert_eq!(Email::parse(&long), Err(InvalidText::EmailLength));
        assert!(Email::parse(&long[1..]).is_ok());
    }
}
