//! The comments of a contract.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, FileDescriptor};

/// What a line begins with that is a paragraph of its own.
const ERRORS: &str = "Errors:";

/// The comments in front of everything, by file and place.
#[derive(Debug, Default)]
pub struct Comments(HashMap<(String, Vec<i32>), String>);

impl Comments {
    /// Reads those that the descriptors hold.
    pub fn read(pool: &DescriptorPool) -> Self {
        let mut comments = HashMap::new();
        for file in pool.files() {
            let descriptor = file.file_descriptor_proto();
            let places = descriptor.source_code_info.iter().flat_map(|it| &it.location);
            for place in places {
                if let Some(comment) = &place.leading_comments {
                    let key = (file.name().to_owned(), place.path.clone());
                    comments.insert(key, paragraphs(comment));
                }
            }
        }
        Self(comments)
    }

    /// The comment of what stands at this place of a file: paragraphs, each in one
    /// line.
    pub fn at(&self, file: &FileDescriptor, path: &[i32]) -> String {
        self.0.get(&(file.name().to_owned(), path.to_vec())).cloned().unwrap_or_default()
    }
}

fn paragraphs(comment: &str) -> String {
    let mut text = String::new();
    for line in comment.lines().map(str::trim) {
        let is_new = line.is_empty() || line.starts_with(ERRORS);
        let between = match () {
            () if text.is_empty() || text.ends_with('\n') => "",
            () if is_new => "\n\n",
            () => " ",
        };
        text.push_str(between);
        text.push_str(line);
    }
    text.trim().to_owned()
}

/// The first sentence of a comment, without its end.
pub fn summary(comment: &str) -> &str {
    let first = comment.lines().next().unwrap_or_default();
    let end = first.find(". ").unwrap_or(first.len());
    first[..end].trim_end_matches('.')
}

/// A comment without the paragraph about errors, and that.
pub fn without_errors(comment: &str) -> (String, &str) {
    let (errors, rest): (Vec<_>, Vec<_>) =
        comment.split("\n\n").partition(|it| it.starts_with(ERRORS));
    let errors = errors.first().and_then(|it| it.strip_prefix(ERRORS)).unwrap_or_default();
    (rest.join("\n\n"), errors.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_paragraphs() {
        let comment = " Lends a\n book. At once.\n Errors: NOT_FOUND.\n\n More.\n";
        let text = paragraphs(comment);
        assert_eq!(text, "Lends a book. At once.\n\nErrors: NOT_FOUND.\n\nMore.");
        assert_eq!(summary(&text), "Lends a book");
        let (rest, errors) = without_errors(&text);
        assert_eq!((&*rest, errors), ("Lends a book. At once.\n\nMore.", "NOT_FOUND."));
    }

    #[test]
    fn what_has_no_comment_has_no_summary() {
        assert_eq!(paragraphs(""), "");
        assert_eq!(summary(""), "");
        assert_eq!(without_errors(""), (String::new(), ""));
    }
}
