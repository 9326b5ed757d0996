//! What a user signs in with.

use std::fmt;

use precis_core::profile::PrecisFastInvocation;
use precis_profiles::UsernameCaseMapped;
use serde::{Deserialize, Serialize};

const SHORTEST: usize = 3;
const LONGEST: usize = 50;

/// Why a text cannot be a username.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUsername {
    /// It is too short or too long.
    #[error("must have {SHORTEST} to {LONGEST} characters")]
    Length,
    /// It has characters, or an arrangement of them, that PRECIS refuses.
    #[error(
        "may consist of letters, digits, marks and ASCII punctuation, without spaces, and may \
         not mix writing directions"
    )]
    Characters,
}

/// A username of 3 to 50 characters (Unicode code points) in the form that
/// PRECIS `UsernameCaseMapped` (RFC 8265) gives it: two texts that differ in
/// case or width alone are the same username.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Username(String);

impl Username {
    /// Takes a text as somebody typed it. The bounds hold for what was typed
    /// and for what it is mapped to.
    pub fn parse(text: &str) -> Result<Self, InvalidUsername> {
        bounded(text)?;
        let mapped = UsernameCaseMapped::enforce(text).map_err(|_| InvalidUsername::Characters)?;
        bounded(&mapped)?;
        Ok(Self(mapped.into_owned()))
    }

    /// Takes a username that was parsed before it was stored, under rules
    /// that may have been others.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The mapped form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn bounded(text: &str) -> Result<(), InvalidUsername> {
    let fits = (SHORTEST..=LONGEST).contains(&text.chars().count());
    if fits { Ok(()) } else { Err(InvalidUsername::Length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(text: &str) -> Result<String, InvalidUsername> {
        Username::parse(text).map(|username| username.to_string())
    }

    #[test]
    fn case_and_width_make_no_difference() {
        assert_eq!(mapped("Alice"), Ok("alice".to_owned()));
        assert_eq!(mapped("ＡＬＩＣＥ"), Ok("alice".to_owned()));
        assert_eq!(mapped("ÅSA"), mapped("a\u{30a}sa"));
        assert_eq!(mapped("ΣΟΦΟΣ"), mapped("σοφοσ"));
    }

    #[test]
    fn bounds_count_characters() {
        assert_eq!(mapped("ab"), Err(InvalidUsername::Length));
        assert!(mapped("äöü").is_ok());
        assert!(mapped(&"ä".repeat(50)).is_ok());
        assert_eq!(mapped(&"a".repeat(51)), Err(InvalidUsername::Length));
        // 60 characters that compose into 30.
        assert_eq!(mapped(&"a\u{308}".repeat(30)), Err(InvalidUsername::Length));
        // 4 characters that compose into 2.
        assert_eq!(mapped("a\u{308}a\u{308}"), Err(InvalidUsername::Length));
    }

    #[test]
    fn what_cannot_be_told_apart_or_typed_is_refused() {
        for text in [
            "al ice",
            " alice",
            "alice ",
            "ali\tce",
            "ali\0ce",
            "ali\nce",
            "ali\u{200b}ce",
            "ali\u{202e}ce",
            "alice\u{a0}",
            "♚♚♚",
            "אבגabc",
            "\u{301}abc\u{2009}",
        ] {
            assert_eq!(mapped(text), Err(InvalidUsername::Characters), "{text:?}");
        }
    }

    #[test]
    fn any_script_is_welcome() {
        for text in ["анна", "أحمد", "田中太郎", "o'hara", "j.doe@example.org", "user_1-2+3"]
        {
            assert!(mapped(text).is_ok(), "{text}");
        }
    }
}
