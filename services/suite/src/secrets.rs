//! The secrets of an installation, made on its first start.

use std::{
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use roster_kernel::Env;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

const FILE: &str = "secrets.toml";

/// Why an installation's secrets could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// There is data, but the file is gone. Making new secrets would seem to
    /// work, and lose what only the old ones open.
    #[error("{0} is missing although there is data: restore it from your backup")]
    Missing(PathBuf),
    /// Others could read the file.
    #[error("{0} must be readable by its owner only: chmod 600 {0}")]
    Exposed(PathBuf),
    /// The file is not what Roster wrote.
    #[error("{0} is damaged: restore it from your backup")]
    Damaged(PathBuf),
    /// The file could not be read or written.
    #[error("cannot use {0}")]
    Io(PathBuf, #[source] io::Error),
}

/// The secrets of an installation; the same for all its replicas.
#[derive(Debug)]
pub struct Secrets {
    /// Seals page tokens.
    pub page_token_key: [u8; 32],
    /// Fingerprints requests that carry a `request_id`.
    pub fingerprint_key: [u8; 32],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    page_token_key: String,
    fingerprint_key: String,
}

impl Secrets {
    /// Reads the secrets of `data_dir`, or makes them where there is no data
    /// yet.
    pub fn load_or_create(data_dir: &Path, env: &Env) -> Result<Self, SecretsError> {
        let path = data_dir.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&path, &SecretString::from(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if has_data(data_dir).map_err(|error| SecretsError::Io(path.clone(), error))? {
                    return Err(SecretsError::Missing(path));
                }
                let secrets = Self { page_token_key: env.bytes(), fingerprint_key: env.bytes() };
                secrets.write(&path).map_err(|error| SecretsError::Io(path, error))?;
                Ok(secrets)
            }
            Err(error) => Err(SecretsError::Io(path, error)),
        }
    }

    fn parse(path: &Path, text: &SecretString) -> Result<Self, SecretsError> {
        let metadata =
            fs::metadata(path).map_err(|error| SecretsError::Io(path.to_owned(), error))?;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(SecretsError::Exposed(path.to_owned()));
        }
        let damaged = || SecretsError::Damaged(path.to_owned());
        let stored: Stored = toml::from_str(text.expose_secret()).map_err(|_| damaged())?;
        Ok(Self {
            page_token_key: key(&stored.page_token_key).ok_or_else(damaged)?,
            fingerprint_key: key(&stored.fingerprint_key).ok_or_else(damaged)?,
        })
    }

    /// Writes the file whole or not at all: under another name first, made
    /// durable, then renamed.
    fn write(&self, path: &Path) -> io::Result<()> {
        let stored = Stored {
            page_token_key: hex(&self.page_token_key),
            fingerprint_key: hex(&self.fingerprint_key),
        };
        let text = toml::to_string(&stored).map_err(io::Error::other)?;
        let draft = path.with_extension("draft");
        // What a start that did not come this far has left.
        if draft.exists() {
            fs::remove_file(&draft)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(b"# The secrets of this Roster installation. Back them up; show nobody.\n")?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
    }
}

fn has_data(data_dir: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(data_dir)? {
        if entry?.path().extension().is_some_and(|extension| extension == "db") {
            return Ok(true);
        }
    }
    Ok(false)
}

fn hex(key: &[u8; 32]) -> String {
    key.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn key(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut key = [0; 32];
    for (index, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use roster_testkit::env;

    use super::*;

    #[test]
    fn secrets_are_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let first = Secrets::load_or_create(folder.path(), &env(1).1).unwrap();
        let second = Secrets::load_or_create(folder.path(), &env(2).1).unwrap();
        assert_eq!(first.page_token_key, second.page_token_key);
        assert_eq!(first.fingerprint_key, second.fingerprint_key);
        assert_ne!(first.page_token_key, first.fingerprint_key);
        let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_missing_file_beside_data_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("identity.db"), b"").unwrap();
        let refused = Secrets::load_or_create(folder.path(), &env(1).1);
        assert!(matches!(refused, Err(SecretsError::Missing(_))));
        assert!(!folder.path().join(FILE).exists());
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        Secrets::load_or_create(folder.path(), &env(1).1).unwrap();
        let file = folder.path().join(FILE);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = Secrets::load_or_create(folder.path(), &env(1).1);
        assert!(matches!(refused, Err(SecretsError::Exposed(_))));
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        Secrets::load_or_create(folder.path(), &env(1).1).unwrap();
        let file = folder.path().join(FILE);
        for text in ["", "page_token_key = \"00\"\nfingerprint_key = \"00\"\n", "rubbish"] {
            fs::write(&file, text).unwrap();
            let refused = Secrets::load_or_create(folder.path(), &env(1).1);
            assert!(matches!(refused, Err(SecretsError::Damaged(_))), "{text}");
        }
    }
}
