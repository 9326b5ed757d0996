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
    Rule { folder: "op", never: &["tonic", "roster_proto", "crate::rpc"] },
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
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    rule.never
        .iter()
        .filter(|path| code.contains(&format!("{path}::")) || code.contains(&format!("use {path}")))
        .map(|path| format!("{}: {path}", place.display()))
        .collect()
}
