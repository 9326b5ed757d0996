//! Usernames that people take for one another (UTS 39, Unicode Security
//! Mechanisms).

use unicode_normalization::char::is_combining_mark;
use unicode_script::{Script, UnicodeScript as _};
use unicode_security::{
    GeneralSecurityProfile as _, RestrictionLevel, RestrictionLevelDetection as _, skeleton,
};

/// The most marks that one letter may carry: what UTS 39, section 5.4, says
/// no language exceeds.
const MOST_MARKS: usize = 4;

/// Why a username could be taken for another one, whatever others there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misleading {
    /// It has characters that UTS 39 restricts in identifiers.
    #[error(
        "must not contain {0:?} (U+{code:04X}), which names are not written with today",
        code = u32::from(*.0)
    )]
    Character(char),
    /// Its letters belong to scripts that are not written together.
    #[error(
        "must not mix letters of several scripts, such as Latin and Cyrillic; Latin goes with \
         Chinese, Japanese and Korean only"
    )]
    Scripts,
    /// Its digits belong to several scripts.
    #[error("must not mix digits of several scripts")]
    Digits,
    /// Its marks cannot be told apart.
    #[error("must not repeat a mark on a letter, nor have more than {MOST_MARKS} marks on one")]
    Marks,
}

/// Refuses a mapped username that could be taken for another one by itself.
pub fn check(username: &str) -> Result<(), Misleading> {
    // PRECIS allows ASCII's punctuation, and so does Roster: it is typed
    // everywhere, and in addresses of mail.
    let letters: String = username.chars().filter(|c| !c.is_ascii_punctuation()).collect();
    if let Some(restricted) = letters.chars().find(|c| !c.identifier_allowed()) {
        return Err(Misleading::Character(restricted));
    }
    if !letters.as_str().check_restriction_level(RestrictionLevel::HighlyRestrictive) {
        return Err(Misleading::Scripts);
    }
    let mut digits = letters.chars().filter(|c| c.is_numeric()).map(|c| c.script_extension());
    if let Some(first) = digits.next()
        && digits.any(|other| other != first)
    {
        return Err(Misleading::Digits);
    }
    marks(username)
}

fn marks(username: &str) -> Result<(), Misleading> {
    let (mut before, mut stacked) = (None, 0);
    // A skeleton is decomposed: each mark is a character.
    for c in skeleton(username) {
        // Marks that belong to no one script are those that stack.
        stacked = if c.script() == Script::Inherited { stacked + 1 } else { 0 };
        if stacked > MOST_MARKS || is_combining_mark(c) && before == Some(c) {
            return Err(Misleading::Marks);
        }
        before = Some(c);
    }
    Ok(())
}

/// What a username looks like: two that people could take for one another
/// have the same skeleton. It is for comparing only, never for showing.
///
/// This is the skeleton of UTS 39, section 4, in lower case, because it knows
/// `0` to look like `O` and not like `o`, which is what `O` is mapped to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skeleton(String);

impl Skeleton {
    /// The version of Unicode that skeletons are made with. Stored ones have
    /// to be made anew, by a migration, where it is another one.
    #[cfg(test)]
    pub const UNICODE: (u64, u64, u64) = (18, 0, 0);

    /// The skeleton of a username in its mapped form.
    #[must_use]
    pub fn of(username: &str) -> Self {
        Self(skeleton(username).flat_map(char::to_lowercase).collect())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn what_looks_the_same_has_the_same_skeleton() {
        for (one, other) in [
            // Whole words of another script.
            ("apple", "аррӏе"),
            ("scope", "ѕсоре"),
            ("admin", "adm\u{131}n"),
            ("oov", "οον"),
            // Within ASCII.
            ("mol", "mo1"),
            ("bob0", "bobo"),
            ("modern", "modem"),
            ("a.l|", "a.11"),
            // Marks that can be written in two ways.
            ("jos\u{e9}", "jose\u{301}"),
        ] {
            assert_eq!(Skeleton::of(one), Skeleton::of(other), "{one} {other}");
        }
    }

    #[test]
    fn what_looks_different_has_another_skeleton() {
        for (one, other) in [
            ("anna", "hanna"),
            ("jose", "josé"),
            ("muller", "müller"),
            ("anna", "анна"),
            ("user1", "user2"),
            ("j.doe", "j-doe"),
            ("jdoe", "j.doe"),
            ("田中", "由中"),
            ("ali", "علي"),
        ] {
            assert_ne!(Skeleton::of(one), Skeleton::of(other), "{one} {other}");
        }
    }

    /// Names as organisations give them: `first.last`, `flast`, `firstl`, and
    /// numbered ones. Few may be in each other's way.
    #[test]
    fn ordinary_usernames_are_hardly_ever_in_each_others_way() {
        let first = "james mary robert patricia john jennifer michael linda david elizabeth \
            william barbara richard susan joseph jessica thomas sarah carlos karen arno marie \
            daniel lisa matthew nancy bernd sandra mark ashley jörg zoë françois björn søren";
        let last = "smith johnson williams brown jones garcia miller davis rodriguez martinez \
            hernandez lopez gonzalez wilson anderson thomas taylor moore jackson martin lee burns \
            thompson white harris sanchez clark ramirez lewis robinson müller nowak horn åberg";
        let mut names = Vec::new();
        for first in first.split_whitespace() {
            for last in last.split_whitespace() {
                let initial = |name: &str| name.chars().next().unwrap();
                names.push(format!("{first}.{last}"));
                names.push(format!("{}{last}", initial(first)));
                names.push(format!("{first}{}", initial(last)));
            }
        }
        names.extend((0..10_000).map(|number| format!("user{number}")));
        names.sort();
        names.dedup();
        let mut seen: HashMap<String, &String> = HashMap::new();
        let alike: Vec<_> = names
            .iter()
            .filter_map(|name| {
                let before = seen.insert(Skeleton::of(name).0, name)?;
                Some((before.as_str(), name.as_str()))
            })
            .collect();
        assert!(names.len() > 11_000, "{}", names.len());
        assert_eq!(alike, []);
    }

    #[test]
    fn skeletons_are_of_the_version_that_the_stored_ones_are_of() {
        // Fails with a new version of the tables: add a migration that makes
        // the stored skeletons anew, then name the version here.
        assert_eq!(unicode_security::UNICODE_VERSION, Skeleton::UNICODE);
    }
}
