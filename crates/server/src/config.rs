//! Settings: defaults in code, then a file, then the environment.

use std::{collections::HashMap, path::Path};

use config::{Config, File, FileFormat, Map, Source, Value, ValueKind};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value as Json;

/// The variables that are settings start with this; the names of sections and
/// keys follow, with the same separator between them.
const PREFIX: &str = "ROSTER__";
const SEPARATOR: &str = "__";

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no such setting.
    #[error("configuration: unknown key `{key}` in {origin}")]
    UnknownKey {
        /// The key, its sections separated by dots.
        key: String,
        /// The file, or the name of the variable.
        origin: String,
    },
    /// A value is not of its kind, or the file cannot be read. Says which
    /// key, and where it stands.
    #[error("configuration: {0}")]
    Invalid(#[from] config::ConfigError),
    /// A value is not one of those that the key has.
    #[error("configuration: {error} in {origin}")]
    Value {
        /// Says which key.
        error: config::ConfigError,
        /// The file, or the name of the variable.
        origin: String,
    },
    /// The defaults cannot be written down: a defect.
    #[error("configuration: unusable defaults")]
    Defaults(#[from] serde_json::Error),
}

/// Reads settings: `defaults`, over them `file`, over them the variables of
/// `environment` that are named `ROSTER__SECTION__KEY`. Unknown keys are
/// refused, in the file and in the environment. A variable that stands for a
/// list holds its entries with commas between them.
///
/// `aliases` are other names of variables, each with its key; where a variable
/// of both names is given, the one that begins with `ROSTER__` counts.
pub fn load<T: Serialize + DeserializeOwned>(
    defaults: &T,
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    aliases: &[(&str, &str)],
) -> Result<T, ConfigError> {
    let known = serde_json::to_value(defaults)?;
    let mut builder = Config::builder().add_source(Config::try_from(defaults)?);
    if let Some(path) = file {
        let file = File::from(path).format(FileFormat::Toml);
        if let Some(key) = unknown(&known, &file.collect()?) {
            let origin = path.display().to_string();
            return Err(ConfigError::UnknownKey { key, origin });
        }
        builder = builder.add_source(file);
    }
    let mut variables = HashMap::new();
    let mut environment: Vec<_> = environment.into_iter().collect();
    // What is read later counts.
    environment.sort_by_key(|(name, _)| name.starts_with(PREFIX));
    for (name, value) in environment {
        let Some(key) = key_of(&name, aliases) else { continue };
        let Some(kind) = find(&known, &key).map(|default| kind_of(default, value)) else {
            return Err(ConfigError::UnknownKey { key, origin: name });
        };
        builder = builder.set_override(&key, Value::new(Some(&name), kind))?;
        variables.insert(key, name);
    }
    builder.build()?.try_deserialize().map_err(|error| placed(error, &variables, file))
}

/// Says where a value stands where the error does not: the library forgets it
/// for values of a fixed choice.
fn placed(
    error: config::ConfigError,
    variables: &HashMap<String, String>,
    file: Option<&Path>,
) -> ConfigError {
    let config::ConfigError::At { key: Some(key), origin: None, .. } = &error else {
        return ConfigError::Invalid(error);
    };
    let of_file = || file.map(|path| path.display().to_string());
    match variables.get(key).cloned().or_else(of_file) {
        Some(origin) => ConfigError::Value { error, origin },
        None => ConfigError::Invalid(error),
    }
}

/// The environment of the process, as far as it is text.
#[must_use]
pub fn process_env() -> Vec<(String, String)> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

/// The key that a variable stands for, if it stands for any.
fn key_of(name: &str, aliases: &[(&str, &str)]) -> Option<String> {
    if let Some((_, key)) = aliases.iter().find(|(alias, _)| *alias == name) {
        return Some((*key).to_owned());
    }
    Some(name.strip_prefix(PREFIX)?.to_lowercase().replace(SEPARATOR, "."))
}

/// The default of a key. Sections are no settings themselves.
fn find<'a>(known: &'a Json, key: &str) -> Option<&'a Json> {
    let found = key.split('.').try_fold(known, |section, name| section.get(name))?;
    (!found.is_object()).then_some(found)
}

/// What a variable says. All but lists stay text, and are read as what the
/// setting is: a password of digits is not a number.
fn kind_of(default: &Json, value: String) -> ValueKind {
    if !default.is_array() {
        return ValueKind::String(value);
    }
    let entries = value.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    ValueKind::Array(entries.map(Value::from).collect())
}

/// A key of `given` that has no default, if there is any.
fn unknown(known: &Json, given: &Map<String, Value>) -> Option<String> {
    given.iter().find_map(|(name, value)| {
        let Some(default) = known.get(name) else { return Some(name.clone()) };
        let ValueKind::Table(table) = &value.kind else { return None };
        // What is no section is judged by what reads the setting.
        let deeper = default.is_object().then(|| unknown(default, table)).flatten()?;
        Some(format!("{name}.{deeper}"))
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde::Deserialize;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Settings {
        name: String,
        open: bool,
        limit: Option<u32>,
        mode: Mode,
        friends: Vec<String>,
        inner: Inner,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Inner {
        size: u64,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        Slow,
        Fast,
    }

    impl Default for Settings {
        fn default() -> Self {
            Self {
                name: "default".to_owned(),
                open: false,
                limit: None,
                mode: Mode::Slow,
                friends: Vec::new(),
                inner: Inner::default(),
            }
        }
    }

    impl Default for Inner {
        fn default() -> Self {
            Self { size: 1 }
        }
    }

    fn read(file: &str, environment: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let mut on_disk = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        on_disk.write_all(file.as_bytes()).unwrap();
        let environment = environment.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let aliases = [("OPEN_DOOR", "open"), ("INNER_SIZE", "inner.size")];
        load(&Settings::default(), Some(on_disk.path()), environment, &aliases)
    }

    #[test]
    fn without_file_and_variables_the_defaults_stand() {
        let read: Settings = load(&Settings::default(), None, [], &[]).unwrap();
        assert_eq!(read, Settings::default());
    }

    #[test]
    fn the_environment_goes_before_the_file_and_the_file_before_defaults() {
        let read = read(
            "name = 'file'\nopen = true\n[inner]\nsize = 2\n",
            &[("ROSTER__NAME", "variable"), ("HOME", "/"), ("ROSTER_NAME", "no setting")],
        );
        let expected = Settings {
            name: "variable".to_owned(),
            open: true,
            inner: Inner { size: 2 },
            ..Settings::default()
        };
        assert_eq!(read.unwrap(), expected);
    }

    #[test]
    fn variables_are_read_as_what_the_setting_is() {
        let read = read(
            "",
            &[
                ("ROSTER__NAME", "007"),
                ("ROSTER__OPEN", "true"),
                ("ROSTER__LIMIT", "3"),
                ("ROSTER__MODE", "fast"),
                ("ROSTER__FRIENDS", "ann, bob"),
                ("ROSTER__INNER__SIZE", "4"),
            ],
        );
        let expected = Settings {
            name: "007".to_owned(),
            open: true,
            limit: Some(3),
            mode: Mode::Fast,
            friends: vec!["ann".to_owned(), "bob".to_owned()],
            inner: Inner { size: 4 },
        };
        assert_eq!(read.unwrap(), expected);
    }

    #[test]
    fn another_name_counts_where_the_own_one_is_not_given() {
        assert!(read("open = false", &[("OPEN_DOOR", "true")]).unwrap().open);
        for both in [
            [("ROSTER__OPEN", "false"), ("OPEN_DOOR", "true")],
            [("OPEN_DOOR", "true"), ("ROSTER__OPEN", "false")],
        ] {
            assert!(!read("", &both).unwrap().open);
        }
    }

    #[test]
    fn unknown_keys_are_named_with_their_place() {
        for (file, environment, key, place) in [
            ("nmae = 'x'", vec![], "`nmae`", ".toml"),
            ("[inner]\nsiez = 1", vec![], "`inner.siez`", ".toml"),
            ("[outer]\nsize = 1", vec![], "`outer`", ".toml"),
            ("", vec![("ROSTER__NMAE", "x")], "`nmae`", "ROSTER__NMAE"),
            ("", vec![("ROSTER__INNER__SIEZ", "1")], "`inner.siez`", "ROSTER__INNER__SIEZ"),
            ("", vec![("ROSTER__INNER", "1")], "`inner`", "ROSTER__INNER"),
        ] {
            let said = read(file, &environment).unwrap_err().to_string();
            assert!(said.contains(key) && said.contains(place), "{said}");
        }
    }

    #[test]
    fn wrong_values_are_named_with_their_place() {
        for (file, environment, key, place) in [
            ("open = 'perhaps'", vec![], "`open`", ".toml"),
            ("[inner]\nsize = -1", vec![], "`inner.size`", ".toml"),
            ("", vec![("ROSTER__INNER__SIZE", "big")], "`inner.size`", "ROSTER__INNER__SIZE"),
            ("", vec![("INNER_SIZE", "big")], "`inner.size`", "in INNER_SIZE"),
            ("", vec![("OPEN_DOOR", "maybe")], "`open`", "in OPEN_DOOR"),
            ("", vec![("ROSTER__MODE", "medium")], "`mode`", "ROSTER__MODE"),
            ("mode = 'medium'", vec![], "`mode`", ".toml"),
        ] {
            let said = read(file, &environment).unwrap_err().to_string();
            assert!(said.contains(key) && said.contains(place), "{said}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        let missing = Path::new("/nowhere/roster.toml");
        let said = load(&Settings::default(), Some(missing), [], &[]).unwrap_err().to_string();
        assert!(said.contains("/nowhere/roster.toml"), "{said}");
    }
}
