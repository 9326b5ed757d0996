//! Settings: a file and an environment that say anything.

use std::{io::Write as _, path::Path};

use tempfile::NamedTempFile;

use crate::{input::Input, world::Ground};

/// The file, then variables of the form `NAME=VALUE`.
pub fn config(_ground: &mut Ground, data: &[u8]) {
    let mut input = Input::new(data);
    let file = written(input.bytes());
    let mut environment = Vec::new();
    while let Some(variable) = input.more() {
        if let Some((name, value)) = variable.split_once('=') {
            environment.push((name.to_owned(), value.to_owned()));
        }
    }
    check(file.path(), environment);
}

/// A new file: writing over an old one waits for the disk.
fn written(text: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::with_suffix(".toml").unwrap();
    file.write_all(text).unwrap();
    file
}

fn check(file: &Path, environment: Vec<(String, String)>) {
    match roster_suite::load(Some(file), environment) {
        Ok((config, _password)) => {
            assert_eq!(config.validate(), Ok(()), "settings that make no sense are taken");
            // Written down, they are the same settings.
            let text = toml::to_string(&config).unwrap();
            let file = written(text.as_bytes());
            let (read, _password) = roster_suite::load(Some(file.path()), Vec::new()).unwrap();
            assert_eq!(read, config, "{text}");
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty(), "{refusal:?}"),
    }
}
