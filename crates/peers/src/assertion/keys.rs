//! The keys of assertions, in files as PASERK writes them.

use std::{
    collections::HashMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use pasetors::{
    keys::{AsymmetricPublicKey, AsymmetricSecretKey},
    paserk::{FormatAsPaserk, Id},
    version4::V4,
};
use roster_server::private;

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file cannot be read.
    #[error("cannot read {0}")]
    Unreadable(PathBuf, #[source] io::Error),
    /// Others could read the secret key.
    #[error("{0} must be readable by its owner only: chmod 600 {0}")]
    Exposed(PathBuf),
    /// A file does not hold what it should.
    #[error("{path} holds no key of the form {expected}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// How what it should hold begins.
        expected: &'static str,
    },
}

fn id_of(key: &AsymmetricPublicKey<V4>) -> String {
    let mut id = String::new();
    // Writing to a string does not fail.
    let _written = Id::from(key).fmt(&mut id);
    id
}

fn read(path: &Path) -> Result<String, KeyError> {
    fs::read_to_string(path).map_err(|error| KeyError::Unreadable(path.to_owned(), error))
}

/// The key that the edge signs with.
#[derive(Clone)]
pub struct SigningKey {
    secret: Arc<AsymmetricSecretKey<V4>>,
    id: Arc<str>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Reads a `k4.secret` from a file that its owner alone can read.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let unreadable = |error| KeyError::Unreadable(path.to_owned(), error);
        if private::is_exposed(&fs::metadata(path).map_err(unreadable)?) {
            return Err(KeyError::Exposed(path.to_owned()));
        }
        let malformed = || KeyError::Malformed { path: path.to_owned(), expected: "k4.secret" };
        let secret =
            AsymmetricSecretKey::<V4>::try_from(read(path)?.trim()).map_err(|_| malformed())?;
        let public = AsymmetricPublicKey::try_from(&secret).map_err(|_| malformed())?;
        Ok(Self { secret: Arc::new(secret), id: id_of(&public).into() })
    }

    /// How the key is named in what it signs.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn secret(&self) -> &AsymmetricSecretKey<V4> {
        &self.secret
    }
}

/// The keys that the edge may have signed with. Several count at once: a new
/// one is made known to every service before the edge signs with it, and the
/// old one goes after that.
#[derive(Clone, Debug)]
pub struct PublicKeys {
    file: Arc<Path>,
    keys: Arc<RwLock<HashMap<String, AsymmetricPublicKey<V4>>>>,
}

impl PublicKeys {
    /// Reads a file with one `k4.public` on each line.
    pub fn load(file: &Path) -> Result<Self, KeyError> {
        let keys = Arc::new(RwLock::new(parse(file)?));
        Ok(Self { file: file.into(), keys })
    }

    /// Reads the file again. What cannot be used is told to the log and
    /// changes nothing.
    pub fn refresh(&self) {
        match parse(&self.file) {
            Ok(keys) => *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "assertion keys not replaced: the old ones stay in use");
            }
        }
    }

    pub(super) fn find(&self, id: &str) -> Option<AsymmetricPublicKey<V4>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

fn parse(file: &Path) -> Result<HashMap<String, AsymmetricPublicKey<V4>>, KeyError> {
    let malformed = || KeyError::Malformed { path: file.to_owned(), expected: "k4.public" };
    let text = read(file)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let keys: HashMap<_, _> = lines
        .map(|line| {
            let key = AsymmetricPublicKey::<V4>::try_from(line).map_err(|_| malformed())?;
            Ok((id_of(&key), key))
        })
        .collect::<Result<_, KeyError>>()?;
    if keys.is_empty() { Err(malformed()) } else { Ok(keys) }
}
