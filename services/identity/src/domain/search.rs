//! Texts as searches compare them.

use unicode_normalization::UnicodeNormalization;

/// `text` in a form that does not tell cases, nor ways to write the same
/// characters, apart: compatibility composition (UAX 15, NFKC) around lower,
/// upper and again lower case of each character by itself. Lower case alone
/// would tell `ß` from `SS` and, as it looks at the whole word, `ς` from `σ`.
#[must_use]
pub fn folded(text: &str) -> String {
    let lower = text.nfkc().flat_map(char::to_lowercase);
    lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_found_however_it_is_written() {
        for (one, other) in [
            ("ÄRZTE", "ärzte"),
            ("a\u{308}rzte", "ärzte"),
            ("STRASSE", "Straße"),
            ("ΣΟΦΟΣ", "σοφος"),
            ("ΣΟΦΟΣ", "σοφοσ"),
            ("ＡＬＩＣＥ", "alice"),
            ("ﬁnn", "FINN"),
            ("ДМИТРИЙ", "дмитрий"),
        ] {
            assert_eq!(folded(one), folded(other), "{one}");
        }
        assert_ne!(folded("ärzte"), folded("arzte"), "accents are not case");
    }

    #[test]
    fn a_part_of_a_text_is_a_part_of_it_folded() {
        // In lower case by itself, this part ends with another sigma.
        assert!(folded("ΟΔΥΣΣΕΑΣ").contains(&folded("ΟΔΥΣ")));
    }

    #[test]
    fn folding_twice_changes_nothing() {
        for text in ["İstanbul", "ıŞıK", "ŉ", "ǅ", "ẞ", "ﬄ", "100% _\\x"] {
            assert_eq!(folded(&folded(text)), folded(text), "{text}");
        }
    }
}
