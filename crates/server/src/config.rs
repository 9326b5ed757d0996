//! Settings: defaults in code, then a file, then the environment.

use std::path::Path;

use config::{Config, Environment, File, FileFormat};
use serde::{Serialize, de::DeserializeOwned};

/// The variables that are settings start with this.
const PREFIX: &str = "ROSTER";

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key is unknown, or its value is not of its kind. Says which, and
    /// where it stands.
    #[error("configuration: {0}")]
    Invalid(#[from] config::ConfigError),
}

/// Reads settings: `defaults`, over them `file`, over them the variables of
/// `environment` that are named `ROSTER__SECTION__KEY`. Unknown keys are
/// refused, in the file and in the environment.
pub fn load<T: Serialize + DeserializeOwned>(
    defaults: &T,
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<T, ConfigError> {
    let mut builder = Config::builder().add_source(Config::try_from(defaults)?);
    if let Some(file) = file {
        builder = builder.add_source(File::from(file).format(FileFormat::Toml));
    }
    let variables = environment.into_iter().filter(|(name, _)| name.starts_with("ROSTER__"));
    let environment = Environment::with_prefix(PREFIX)
        .prefix_separator("__")
        .separator("__")
        .try_parsing(true)
        .source(Some(variables.collect()));
    Ok(builder.add_source(environment).build()?.try_deserialize()?)
}

/// The environment of the process.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
#[must_use]
pub fn process_env() -> Vec<(String, String)> {
    std::env::vars().collect()
}
