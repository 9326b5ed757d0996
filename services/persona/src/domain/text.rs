//! Texts with bounds.

use serde::{Deserialize, Serialize};

/// Why a text is not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// It has too few characters.
    #[error("must have at least {0} characters")]
    TooShort(usize),
    /// It has too many characters.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// It contains U+0000, which not every storage engine can keep.
    #[error("must not contain U+0000")]
    Nul,
}

/// A text of `MIN` to `MAX` characters (Unicode code points), kept byte for
/// byte: data, to be shown and never interpreted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text<const MIN: usize, const MAX: usize>(String);

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    /// Takes a text that is within the bounds.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        let characters = text.chars().count();
        if characters < MIN {
            return Err(InvalidText::TooShort(MIN));
        }
        if characters > MAX {
            return Err(InvalidText::TooLong(MAX));
        }
        if text.contains('\0') {
            return Err(InvalidText::Nul);
        }
        Ok(Self(text.to_owned()))
    }

    /// Takes a text that was parsed before it was stored, under bounds that
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

    /// The text, given away.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl<const MAX: usize> Default for Text<0, MAX> {
    fn default() -> Self {
        Self(String::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_count_characters() {
        assert_eq!(Text::<1, 3>::parse(""), Err(InvalidText::TooShort(1)));
        assert_eq!(Text::<1, 3>::parse("äöü").unwrap().as_str(), "äöü");
        assert_eq!(Text::<1, 3>::parse("äöüß"), Err(InvalidText::TooLong(3)));
        assert_eq!(Text::<0, 3>::parse("").unwrap(), Text::default());
    }

    #[test]
    fn a_text_is_kept_as_it_is() {
        let hostile = " <b>\u{202e}\r\n\u{7f}\u{1b}[0m ";
        assert_eq!(Text::<1, 100>::parse(hostile).unwrap().as_str(), hostile);
        assert_eq!(Text::<1, 100>::parse("a\0"), Err(InvalidText::Nul));
    }
}
