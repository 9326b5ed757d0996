//! Holds the table of which folder of a service may import what.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What the files of one folder of a service must not import.
struct Rule {
    folder: &'static str,
    never: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule {
        folder: "domain",
        never: &[
            "tokio",
            "tonic",
            "prost",
            "sea_orm",
            "roster_proto",
            "roster_db",
            "roster_server",
            "roster_events",
            "crate::op",
            "crate::store",
            "crate::rpc",
            "crate::service",
        ],
    },
    Rule { folder: "store", never: &["tonic", "roster_proto", "crate::op", "crate::rpc"] },
    Rule { folder: "op", never: &["tonic", "roster_proto", "sea_orm", "crate::rpc"] },
    Rule { folder: "rpc", never: &["sea_orm", "crate::store"] },
    Rule { folder: "events.rs", never: &["crate::store", "sea_orm", "tonic"] },
];

/// Fails when a file under `src`, the source folder of a service, imports
/// what its folder must not.
///
/// # Panics
///
/// With a line for each forbidden import.
pub fn check(src: &Path) {
    let mut files = Vec::new();
    collect(src, &mut files);
    assert!(files.len() > 5, "no service at {}", src.display());
    let offences: Vec<String> = files.iter().flat_map(|file| offences(src, file)).collect();
    assert!(offences.is_empty(), "forbidden imports:\n{}", offences.join("\n"));
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn offences(src: &Path, file: &Path) -> Vec<String> {
    let place = file.strip_prefix(src).expect("a file below the folder");
    let top = place.iter().next().and_then(|name| name.to_str()).unwrap_or_default();
    let Some(rule) = RULES
        .iter()
        .find(|rule| top == rule.folder || top.strip_suffix(".rs") == Some(rule.folder))
    else {
        return Vec::new();
    };
    let text = fs::read_to_string(file).expect("a readable file");
    let named = paths(&text);
    let forbidden = |path: &&&str| named.iter().any(|named| is_below(named, path));
    rule.never.iter().filter(forbidden).map(|path| format!("{}: {path}", place.display())).collect()
}

/// Whether `path` is `parent` or something in it.
fn is_below(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Every path that the code of a file names, its tests and comments aside: of
/// an import with groups, each path in full.
fn paths(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let without_comments = code.lines().map(|line| line.split("//").next().unwrap_or_default());
    let code = without_comments.collect::<Vec<_>>().join(" ");
    let mut paths = Vec::new();
    for (index, statement) in code.split(';').enumerate() {
        // An import begins the file, or follows another statement or a block.
        let begins = |word: &str| statement.rfind(word).map(|at| &statement[at + word.len()..]);
        let import = if index == 0 && statement.starts_with("use ") {
            Some(&statement[4..])
        } else {
            begins(" use ")
        };
        if let Some(tree) = import {
            expand("", tree, &mut paths);
        }
    }
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let elsewhere = code.split(|c| !word(c)).filter(|path| path.contains("::"));
    paths.extend(elsewhere.map(str::to_owned));
    paths
}

/// Takes an import apart: `a::{b, c::{d, e}}` names `a::b`, `a::c::d`, `a::c::e`.
fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, group)) = tree.split_once('{') else {
        let path = tree.split_whitespace().next().unwrap_or_default();
        paths.push(format!("{prefix}{path}"));
        return;
    };
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    let prefix = format!("{prefix}{}", head.trim());
    let (mut depth, mut begin) = (0_u32, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                expand(&prefix, &group[begin..at], paths);
                begin = at + 1;
            }
            _ => {}
        }
    }
    if !group[begin..].trim().is_empty() {
        expand(&prefix, &group[begin..], paths);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_taken_apart() {
        let text = "//! About tonic::Status.
use std::fmt;
use crate::{domain::{User, email as mail}, store::{user, self}, Error};
pub use sea_orm::DbErr;
fn main() { let _ = tonic::Code::Ok; } // not sea_query::Expr
#[cfg(test)]
mod tests { use tokio::time; }";
        let named = paths(text);
        for path in [
            "std::fmt",
            "crate::domain::User",
            "crate::domain::email",
            "crate::store::user",
            "crate::Error",
            "sea_orm::DbErr",
            "tonic::Code::Ok",
        ] {
            assert!(named.iter().any(|named| named == path), "{path}: {named:?}");
        }
        for path in ["tonic::Status", "sea_query::Expr", "tokio::time"] {
            assert!(!named.iter().any(|named| named == path), "{path}: {named:?}");
        }
    }

    #[test]
    fn a_group_hides_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("rpc/user.rs");
        fs::create_dir(folder.path().join("rpc")).expect("a folder");
        for (text, offends) in [
            ("use crate::{store::user, op};", true),
            ("use crate::{op, domain::{User}, store};", true),
            ("use crate::store;", true),
            ("fn f() { crate::store::user::find() }", true),
            ("use crate::{op, stored::User};", false),
            ("use crate::{op::store};", false),
        ] {
            fs::write(&file, text).expect("a file");
            assert_eq!(!offences(folder.path(), &file).is_empty(), offends, "{text}");
        }
    }
}
