//! The secrets of an installation, made on its first start.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use roster_identity::Keyring;
use roster_kernel::Env;
use roster_server::private;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

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

/// A secret of 256 bits, wiped when it is given back.
type Key = Zeroizing<[u8; 32]>;

/// The secrets of an installation; the same for all its replicas.
pub struct Secrets {
    /// Seals page tokens.
    pub page_token_key: [u8; 32],
    /// Fingerprints requests that carry a `request_id`.
    pub fingerprint_key: [u8; 32],
    /// Encrypts API keys.
    pub api_key_keys: KeyVersions,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

/// The keys that API keys are encrypted with, by version. Outside a change of
/// keys there is one.
pub struct KeyVersions {
    active: i32,
    keys: BTreeMap<i32, Key>,
}

impl KeyVersions {
    fn new(env: &Env) -> Self {
        Self { active: 1, keys: BTreeMap::from([(1, Zeroizing::new(env.bytes()))]) }
    }

    /// The keys as the service that uses them takes them; `None` where they do
    /// not belong together.
    fn keyring(&self) -> Option<Keyring> {
        Keyring::new(self.active, self.keys.clone()).ok()
    }

    /// The version that is encrypted with.
    #[must_use]
    pub const fn active(&self) -> i32 {
        self.active
    }

    /// Whether there are older keys: a change of keys has begun, and not come
    /// to its end.
    #[must_use]
    pub fn has_older(&self) -> bool {
        self.keys.len() > 1
    }

    /// Draws another key, to encrypt with from now on.
    pub fn renew(&mut self, env: &Env) {
        let newest = self.keys.keys().next_back().copied().unwrap_or_default();
        self.active = newest.saturating_add(1);
        self.keys.insert(self.active, Zeroizing::new(env.bytes()));
    }

    /// Forgets all keys but the one that is encrypted with.
    pub fn retire_older(&mut self) {
        let active = self.active;
        self.keys.retain(|version, _| *version == active);
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    page_token_key: Zeroizing<String>,
    fingerprint_key: Zeroizing<String>,
    /// Not there in the files of the first versions of Roster.
    api_key_encryption: Option<StoredKeys>,
}

/// Versions are texts: keys of a table in TOML are.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKeys {
    active: i32,
    keys: BTreeMap<String, Zeroizing<String>>,
}

impl Secrets {
    /// Where the secrets of `data_dir` are.
    #[must_use]
    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join(FILE)
    }

    /// Reads the secrets in `file`, which are never made on the way: all
    /// processes of an installation have to have the same.
    pub fn load(file: &Path, env: &Env) -> Result<Self, SecretsError> {
        match fs::read_to_string(file) {
            Ok(text) => Self::parse(file, &Zeroizing::new(text), env),
            Err(error) => Err(SecretsError::Io(file.to_owned(), error)),
        }
    }

    /// Makes secrets for an installation, in a file that is not there yet.
    pub fn create(file: &Path, env: &Env) -> Result<(), SecretsError> {
        if file.exists() {
            let error = io::Error::from(io::ErrorKind::AlreadyExists);
            return Err(SecretsError::Io(file.to_owned(), error));
        }
        Self::draw(env).write(file)
    }

    fn draw(env: &Env) -> Self {
        Self {
            page_token_key: env.bytes(),
            fingerprint_key: env.bytes(),
            api_key_keys: KeyVersions::new(env),
        }
    }

    /// Reads the secrets of `data_dir`, or makes them where there is no data
    /// yet. A file without a key for API keys, as older versions of Roster
    /// made it, gets one.
    pub fn load_or_create(data_dir: &Path, env: &Env) -> Result<Self, SecretsError> {
        let path = Self::path(data_dir);
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&path, &Zeroizing::new(text), env),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if has_data(data_dir).map_err(|error| SecretsError::Io(path.clone(), error))? {
                    return Err(SecretsError::Missing(path));
                }
                let secrets = Self::draw(env);
                secrets.write(&path)?;
                Ok(secrets)
            }
            Err(error) => Err(SecretsError::Io(path, error)),
        }
    }

    fn parse(path: &Path, text: &str, env: &Env) -> Result<Self, SecretsError> {
        let metadata =
            fs::metadata(path).map_err(|error| SecretsError::Io(path.to_owned(), error))?;
        if private::is_exposed(&metadata) {
            return Err(SecretsError::Exposed(path.to_owned()));
        }
        let damaged = || SecretsError::Damaged(path.to_owned());
        let stored: Stored = toml::from_str(text).map_err(|_| damaged())?;
        let is_old = stored.api_key_encryption.is_none();
        let keys = match &stored.api_key_encryption {
            Some(keys) => versions(keys).ok_or_else(damaged)?,
            None => KeyVersions::new(env),
        };
        let secrets = Self {
            page_token_key: *key(&stored.page_token_key).ok_or_else(damaged)?,
            fingerprint_key: *key(&stored.fingerprint_key).ok_or_else(damaged)?,
            api_key_keys: keys,
        };
        if is_old {
            secrets.write(path)?;
        }
        Ok(secrets)
    }

    /// The keys that API keys are encrypted with, as identity takes them;
    /// `file` is where they are from.
    pub fn keyring(&self, file: &Path) -> Result<Keyring, SecretsError> {
        let damaged = || SecretsError::Damaged(file.to_owned());
        self.api_key_keys.keyring().ok_or_else(damaged)
    }

    /// Puts these secrets in the place of those in `file`: whole or not at all,
    /// and durable when this returns.
    pub async fn replace(&self, file: &Path, env: &Env) -> Result<(), SecretsError> {
        let failed = |error| SecretsError::Io(file.to_owned(), error);
        let draft = self.draft(file).map_err(failed)?;
        env.step("secrets.drafted").await;
        publish(&draft, file).map_err(failed)
    }

    fn write(&self, path: &Path) -> Result<(), SecretsError> {
        let written = self.draft(path).and_then(|draft| publish(&draft, path));
        written.map_err(|error| SecretsError::Io(path.to_owned(), error))
    }

    /// Writes the file under another name, and makes that durable.
    fn draft(&self, path: &Path) -> io::Result<PathBuf> {
        let keys = &self.api_key_keys;
        let stored = Stored {
            page_token_key: hex(&self.page_token_key),
            fingerprint_key: hex(&self.fingerprint_key),
            api_key_encryption: Some(StoredKeys {
                active: keys.active,
                keys: keys.keys.iter().map(|(at, key)| (at.to_string(), hex(key))).collect(),
            }),
        };
        let text = Zeroizing::new(toml::to_string(&stored).map_err(io::Error::other)?);
        let draft = path.with_extension("draft");
        // What a start that did not come this far has left.
        if draft.exists() {
            fs::remove_file(&draft)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(b"# The secrets of this Roster installation. Back them up; show nobody.\n")?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(draft)
    }
}

/// Gives a draft its name, in one step, and makes that durable.
fn publish(draft: &Path, path: &Path) -> io::Result<()> {
    fs::rename(draft, path)?;
    // The folder of a name alone is the one that the process is in.
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// The keys of the file; `None` where they cannot be what Roster wrote.
fn versions(stored: &StoredKeys) -> Option<KeyVersions> {
    let version =
        |(version, text): (&String, &Zeroizing<String>)| Some((version.parse().ok()?, key(text)?));
    let keys = stored.keys.iter().map(version).collect::<Option<_>>()?;
    let versions = KeyVersions { active: stored.active, keys };
    versions.keyring().map(|_| versions)
}

fn has_data(data_dir: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(data_dir)? {
        if entry?.path().extension().is_some_and(|extension| extension == "db") {
            return Ok(true);
        }
    }
    Ok(false)
}

fn hex(key: &[u8; 32]) -> Zeroizing<String> {
    // Room for all of it from the start: no half of it is left elsewhere.
    key.iter().fold(Zeroizing::new(String::with_capacity(64)), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(*text, "{byte:02x}");
        text
    })
}

fn key(text: &str) -> Option<Key> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut key = Zeroizing::new([0; 32]);
    for (index, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

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
        let whole = fs::read_to_string(&file).unwrap();
        for text in [
            "",
            "page_token_key = \"00\"\nfingerprint_key = \"00\"\n",
            "rubbish",
            &whole.replace("active = 1", "active = 2"),
            &whole.replace("\n1 = \"", "\n0 = \""),
            &whole.replace("\n1 = \"", "\none = \""),
            &whole.replace("\n1 = \"", "\n1 = \"zz"),
        ] {
            assert_ne!(text, whole);
            fs::write(&file, text).unwrap();
            let refused = Secrets::load_or_create(folder.path(), &env(1).1);
            assert!(matches!(refused, Err(SecretsError::Damaged(_))), "{text}");
        }
    }

    #[test]
    fn a_file_of_an_older_version_gets_a_key_and_keeps_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let first = Secrets::load_or_create(folder.path(), &env(1).1).unwrap();
        let file = folder.path().join(FILE);
        let text = fs::read_to_string(&file).unwrap();
        let (old, _) = text.split_once("[api_key_encryption]").unwrap();
        fs::write(&file, old).unwrap();
        // What an interrupted start has left is in nobody's way.
        fs::write(file.with_extension("draft"), "half").unwrap();

        let upgraded = Secrets::load_or_create(folder.path(), &env(2).1).unwrap();
        assert_eq!(upgraded.page_token_key, first.page_token_key);
        assert_eq!(upgraded.fingerprint_key, first.fingerprint_key);
        assert_ne!(upgraded.api_key_keys.keys, first.api_key_keys.keys);
        let again = Secrets::load_or_create(folder.path(), &env(3).1).unwrap();
        assert_eq!(again.api_key_keys.keys, upgraded.api_key_keys.keys);
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!file.with_extension("draft").exists());
    }

    #[tokio::test]
    async fn keys_are_renewed_and_older_ones_retired() {
        let (folder, env) = (tempfile::tempdir().unwrap(), env(1).1);
        let mut secrets = Secrets::load_or_create(folder.path(), &env).unwrap();
        assert!(!secrets.api_key_keys.has_older());
        secrets.api_key_keys.renew(&env);
        secrets.replace(&Secrets::path(folder.path()), &env).await.unwrap();
        let mut read = Secrets::load_or_create(folder.path(), &env).unwrap();
        assert_eq!(read.api_key_keys.keys, secrets.api_key_keys.keys);
        assert_eq!((read.api_key_keys.active(), read.api_key_keys.has_older()), (2, true));
        read.api_key_keys.retire_older();
        read.replace(&Secrets::path(folder.path()), &env).await.unwrap();
        let read = Secrets::load_or_create(folder.path(), &env).unwrap();
        assert_eq!(read.api_key_keys.keys.keys().collect::<Vec<_>>(), [&2]);
        assert_eq!(read.page_token_key, secrets.page_token_key);
    }

    #[test]
    fn secrets_are_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::load_or_create(folder.path(), &env(1).1).unwrap();
        assert_eq!(format!("{secrets:?}"), "Secrets { .. }");
    }
}
