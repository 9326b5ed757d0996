//! Single values.

use maud::{Markup, html};

/// What the services said there is, or a dash where the one that knows did not
/// answer.
pub fn count(count: Option<i64>) -> Markup {
    html! {
        @match count {
            Some(count) => (grouped(count)),
            None => {
                span.unset title="Not known: the service did not answer" {
                    span aria-hidden="true" { "–" }
                    span.hidden { "not known" }
                }
            }
        }
    }
}

/// A number with its digits in groups of three.
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    let sign = if number < 0 { "−" } else { "" };
    format!("{sign}{}", groups.join("\u{202f}"))
}

/// Names and values, side by side.
pub fn facts(facts: &[(&str, Markup)]) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in facts {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}

/// What people call a kind of thing, which services call like `api_keys`.
pub fn kind(kind: &str) -> String {
    match kind {
        "users" => return "Account".to_owned(),
        "credentials" => return "Password".to_owned(),
        _ => {}
    }
    let words = kind.replace('_', " ").replace("api ", "API ");
    let mut letters = words.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// The beginning of a long text.
pub fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The first letters of a name, in place of a picture.
pub fn initials(name: &str) -> String {
    let words =
        name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    words.take(2).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_groups_of_three() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(100_000), "100\u{202f}000");
        assert_eq!(grouped(-1_234_567), "−1\u{202f}234\u{202f}567");
    }

    #[test]
    fn kinds_have_names_for_people() {
        assert_eq!(kind("api_keys"), "API keys");
        assert_eq!(kind("personas"), "Personas");
        assert_eq!(kind("users"), "Account");
    }

    #[test]
    fn a_text_is_clipped_between_characters() {
        assert_eq!(clipped("äöü", 3), "äöü");
        assert_eq!(clipped("äöü", 2), "äö…");
    }

    #[test]
    fn initials_are_letters_of_any_script() {
        assert_eq!(initials("ada  lovelace king"), "AL");
        assert_eq!(initials("<script>"), "S");
        assert_eq!(initials("李 小龙"), "李小");
        assert_eq!(initials("  "), "");
    }
}
