//! What a user signs in with.

use std::fmt;

use precis_core::profile::PrecisFastInvocation;
use precis_profiles::UsernameCaseMapped;
use serde::{Deserialize, Serialize};

use super::lookalike::{self, Misleading, Skeleton};

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
    /// People could take it for another one.
    #[error(transparent)]
    Misleading(#[from] Misleading),
}

/// A username of 3 to 50 characters (Unicode code points) in the form that
/// PRECIS `UsernameCaseMapped` (RFC 8265) gives it: two texts that differ in
/// case or width alone are the same username. PRECIS says nothing of texts
/// that look the same; a new username is held to UTS 39 besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Username(String);

impl Username {
    /// Takes a new username as somebody typed it. The bounds hold for what
    /// was typed and for what it is mapped to.
    pub fn parse(text: &str) -> Result<Self, InvalidUsername> {
        bounded(text)?;
        let mapped = mapped(text).ok_or(InvalidUsername::Characters)?;
        bounded(&mapped)?;
        lookalike::check(&mapped)?;
        Ok(Self(mapped))
    }

    /// Takes what somebody claims to be their username: it is mapped where
    /// it can be, but not held to what is asked of new ones. Can be looked for
    /// in every database: PostgreSQL takes no U+0000, in whose place stands
    /// what is in no username either.
    #[must_use]
    pub fn claimed(text: &str) -> Self {
        Self(mapped(text).unwrap_or_else(|| text.replace('\0', "\u{fffd}")))
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

    /// What it looks like.
    #[must_use]
    pub fn skeleton(&self) -> Skeleton {
        Skeleton::of(&self.0)
    }
}

/// The mapped form, where there is one that stays what it is when it is mapped
/// again (RFC 8264, section 7).
fn mapped(text: &str) -> Option<String> {
    let once = UsernameCaseMapped::enforce(text).ok()?;
    let stable = UsernameCaseMapped::enforce(once.as_ref()).is_ok_and(|twice| twice == once);
    stable.then(|| once.into_owned())
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

    fn parsed(text: &str) -> Result<String, InvalidUsername> {
        Username::parse(text).map(|username| username.to_string())
    }

    #[track_caller]
    fn all_refused(error: Misleading, texts: &[&str]) {
        for text in texts {
            assert_eq!(parsed(text), Err(InvalidUsername::Misleading(error)), "{text:?}");
        }
    }

    #[test]
    fn case_and_width_make_no_difference() {
        assert_eq!(parsed("Alice"), Ok("alice".to_owned()));
        assert_eq!(parsed("ＡＬＩＣＥ"), Ok("alice".to_owned()));
        assert_eq!(parsed("ÅSA"), parsed("a\u{30a}sa"));
        assert_eq!(parsed("ΣΟΦΟΣ"), parsed("σοφοσ"));
    }

    #[test]
    fn bounds_count_characters() {
        assert_eq!(parsed("ab"), Err(InvalidUsername::Length));
        assert!(parsed("äöü").is_ok());
        assert!(parsed(&"ä".repeat(50)).is_ok());
        assert_eq!(parsed(&"a".repeat(51)), Err(InvalidUsername::Length));
        // 60 characters that compose into 30.
        assert_eq!(parsed(&"a\u{308}".repeat(30)), Err(InvalidUsername::Length));
        // 4 characters that compose into 2.
        assert_eq!(parsed("a\u{308}a\u{308}"), Err(InvalidUsername::Length));
    }

    #[test]
    fn what_cannot_be_typed_or_runs_both_ways_is_refused() {
        for text in [
            "al ice",
            " alice",
            "alice ",
            "ali\tce",
            "ali\0ce",
            "ali\nce",
            "ali\u{1b}[31mce",
            "ali\u{200b}ce",
            "ali\u{ad}ce",
            "ali\u{202e}ce",
            "ali\u{2066}ce",
            "ali\u{fe0f}ce",
            "ali\u{e0061}ce",
            "alice\u{a0}",
            "\u{fffd}lice",
            "♚♚♚",
            "🦀🦀🦀",
            "אבגabc",
            "abcאבג",
            "1אבג",
            "\u{301}abc\u{2009}",
        ] {
            assert_eq!(parsed(text), Err(InvalidUsername::Characters), "{text:?}");
        }
    }

    #[test]
    fn any_script_in_use_is_welcome() {
        for text in [
            "анна",
            "أحمد",
            "田中太郎",
            "田中taro",
            "たなかタナカ",
            "김철수kim",
            "王小明wang",
            "γιώργος",
            "भारत",
            "भारत१२३",
            "สมชาย",
            "תמר",
            "גרי7",
            "նարեկ",
            "გიორგი",
            "ஆனந்த்",
            "nguyễn.văn",
            "søren",
            "łukasz",
            "jürgen-straße",
            "o'hara",
            "j.doe@example.org",
            "user_1-2+3",
            "admin",
            "admin0",
        ] {
            parsed(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }

    #[test]
    fn scripts_that_hide_each_other_are_not_mixed() {
        all_refused(
            Misleading::Scripts,
            &["раураl", "pаypal", "аdmin", "αdmin", "adмin", "annа", "ааа田中", "kimабв", "aбγ"],
        );
        all_refused(Misleading::Digits, &["भारत1२", "১২3ক"]);
    }

    #[test]
    fn what_names_are_not_written_with_is_refused() {
        for (text, character) in [("ɑdmin", 'ɑ'), ("paypaⲓ", 'ⲓ'), ("ꓮꓑꓑ", 'ꓮ')] {
            all_refused(Misleading::Character(character), &[text]);
        }
        let told = Username::parse("ɑdmin").unwrap_err().to_string();
        assert_eq!(told, "must not contain 'ɑ' (U+0251), which names are not written with today");
    }

    #[test]
    fn marks_do_not_pile_up() {
        let zalgo = "zal\u{301}\u{302}\u{303}\u{304}\u{306}go";
        all_refused(Misleading::Marks, &["jose\u{301}\u{301}", "josé\u{301}", zalgo]);
    }

    #[test]
    fn a_claimed_name_is_mapped_and_not_judged() {
        assert_eq!(Username::claimed("ＡLICE").as_str(), "alice");
        assert_eq!(Username::claimed("Аdmin").as_str(), "аdmin");
        assert_eq!(Username::claimed("A B").as_str(), "A B");
        assert_eq!(Username::claimed("").as_str(), "");
        assert_eq!(Username::claimed("a\0b").as_str(), "a\u{fffd}b");
        assert!(Username::parse("a\u{fffd}b").is_err());
    }

    /// Characters from where the rules differ, so that chance meets them.
    fn random(env: &roster_kernel::Env) -> String {
        const ZONES: [(u32, u32); 12] = [
            (0x00, 0x7f),
            (0x61, 0x7a),
            (0x80, 0x24f),
            (0x250, 0x36f),
            (0x370, 0x52f),
            (0x590, 0x6ff),
            (0x900, 0xe7f),
            (0x1e00, 0x1fff),
            (0x2000, 0x20cf),
            (0x3040, 0x30ff),
            (0xfb00, 0xffff),
            (0x0, 0x10_ffff),
        ];
        let bytes = env.bytes::<36>();
        let zone = usize::from(bytes[0]) % ZONES.len();
        let length = 3 + usize::from(bytes[1]) % 6;
        let draw = |draw: &[u8]| {
            let zone = if draw[0] < 64 { usize::from(draw[1]) % ZONES.len() } else { zone };
            let (from, to) = ZONES[zone];
            let drawn = u32::from_le_bytes([draw[1], draw[2], draw[3], 0]);
            char::from_u32(from + drawn % (to - from + 1)).unwrap_or('a')
        };
        bytes[2..].chunks_exact(4).take(length).map(draw).collect()
    }

    #[test]
    fn whatever_is_typed_is_refused_or_stays_what_it_is_mapped_to() {
        let (_, env) = roster_testkit::env(39);
        let mut accepted = 0;
        for _ in 0..50_000 {
            let text = random(&env);
            let claimed = Username::claimed(&text);
            assert_eq!(Username::claimed(claimed.as_str()), claimed, "{text:?}");
            let Ok(username) = Username::parse(&text) else { continue };
            accepted += 1;
            assert_eq!(Username::parse(username.as_str()), Ok(username.clone()), "{text:?}");
            assert_eq!(username, claimed, "{text:?}");
            let skeleton = username.skeleton();
            assert!(!skeleton.as_str().is_empty(), "{text:?}");
            assert!(username.as_str().chars().all(|c| !c.is_control() && !c.is_whitespace()));
        }
        assert!(accepted > 1_000, "{accepted} of the texts were usernames");
    }
}
