//! Encryption of API keys at rest: AES-256-GCM (NIST SP 800-38D) under a key
//! of the installation, which is not in the database.

use std::{collections::BTreeMap, fmt};

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use roster_kernel::{ApiKeyId, Env};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::domain::{ApiKey, Owner, Provider, Sealed};

/// What the encrypted text is about, before everything that it is bound to:
/// no other use of the same key can be taken for this one.
const PURPOSE: &[u8] = b"roster.identity.api_key.v1\0";

/// The bytes of a nonce: 96 random bits. Under one key they meet with a chance
/// of one in 2^32 after 2^32 encryptions, which is far more than there are.
const NONCE_BYTES: usize = 12;

/// Keys that cannot be used together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeyring {
    /// What is encrypted from now on has no key.
    #[error("there is no key of the active version {0}")]
    NoActiveKey(i32),
    /// Versions count from 1.
    #[error("{0} is no version of a key")]
    Version(i32),
}

/// Why a secret could not be encrypted or decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The keyring lacks the key.
    #[error("no key of version {0} to decrypt an API key with")]
    KeyMissing(i32),
    /// It was encrypted with another key, for another place, or changed since.
    #[error("an API key does not decrypt with the key of version {0}")]
    Refused(i32),
    /// More than can be encrypted at once: a defect.
    #[error("an API key could not be encrypted")]
    Encryption,
}

/// The keys that API keys are encrypted with, by version. New secrets are
/// encrypted with the active one, and the others decrypt what is there.
pub struct Keyring {
    active: i32,
    ciphers: BTreeMap<i32, Aes256Gcm>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: Vec<_> = self.ciphers.keys().collect();
        f.debug_struct("Keyring")
            .field("active", &self.active)
            .field("versions", &versions)
            .finish()
    }
}

impl Keyring {
    /// Takes keys with their versions, which count from 1, and the version of
    /// the one to encrypt with; the same on every replica.
    pub fn new(
        active: i32,
        keys: impl IntoIterator<Item = (i32, Zeroizing<[u8; 32]>)>,
    ) -> Result<Self, InvalidKeyring> {
        let mut ciphers = BTreeMap::new();
        for (version, key) in keys {
            if version < 1 {
                return Err(InvalidKeyring::Version(version));
            }
            ciphers.insert(version, Aes256Gcm::new((&*key).into()));
        }
        if !ciphers.contains_key(&active) {
            return Err(InvalidKeyring::NoActiveKey(active));
        }
        Ok(Self { active, ciphers })
    }

    /// The version of the key that is encrypted with.
    #[must_use]
    pub const fn active(&self) -> i32 {
        self.active
    }

    /// Whether there is a key of a version.
    pub(crate) fn holds(&self, version: i32) -> bool {
        self.ciphers.contains_key(&version)
    }

    /// Encrypts the secret of `key`, for this key and no other.
    pub(crate) fn seal(&self, env: &Env, key: &ApiKey, secret: &[u8]) -> Result<Sealed, SealError> {
        let nonce: [u8; NONCE_BYTES] = env.bytes();
        let aad = bound_to(key.id, key.owner, &key.provider, self.active);
        let payload = Payload { msg: secret, aad: &aad };
        let cipher = self.ciphers.get(&self.active).ok_or(SealError::KeyMissing(self.active))?;
        let ciphertext =
            cipher.encrypt(&nonce.into(), payload).map_err(|_| SealError::Encryption)?;
        Ok(Sealed { ciphertext, nonce: nonce.to_vec(), key_version: self.active })
    }

    /// Decrypts the secret of `key`.
    pub(crate) fn open(&self, key: &ApiKey, sealed: &Sealed) -> Result<SecretString, SealError> {
        let version = sealed.key_version;
        let cipher = self.ciphers.get(&version).ok_or(SealError::KeyMissing(version))?;
        let refused = SealError::Refused(version);
        let nonce = <[u8; NONCE_BYTES]>::try_from(&*sealed.nonce).map_err(|_| refused)?;
        let aad = bound_to(key.id, key.owner, &key.provider, version);
        let payload = Payload { msg: &sealed.ciphertext, aad: &aad };
        let secret = cipher.decrypt(&nonce.into(), payload).map_err(|_| refused)?;
        // Checked in place: no copy is left behind.
        String::from_utf8(secret).map(SecretString::from).map_err(|error| {
            drop(Zeroizing::new(error.into_bytes()));
            refused
        })
    }
}

/// What a ciphertext is good for. Every part but the last has a length of its
/// own or one that its first byte says, so no two places have the same bytes.
fn bound_to(id: ApiKeyId, owner: Owner, provider: &Provider, version: i32) -> Vec<u8> {
    let mut bytes = PURPOSE.to_vec();
    bytes.extend_from_slice(id.uuid().as_bytes());
    match owner {
        Owner::System => bytes.push(0),
        Owner::User(user_id) => {
            bytes.push(1);
            bytes.extend_from_slice(user_id.uuid().as_bytes());
        }
    }
    bytes.extend_from_slice(&version.to_be_bytes());
    bytes.extend_from_slice(provider.as_str().as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use roster_kernel::{Etag, UserId};
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::domain::KeyName;

    fn keyring(active: i32, keys: &[(i32, u8)]) -> Keyring {
        let keys = keys.iter().map(|(version, byte)| (*version, Zeroizing::new([*byte; 32])));
        Keyring::new(active, keys).unwrap()
    }

    fn key(env: &Env) -> ApiKey {
        ApiKey {
            id: ApiKeyId::generate(env),
            owner: Owner::User(UserId::generate(env)),
            provider: Provider::parse("acme").unwrap(),
            name: KeyName::parse("Main").unwrap(),
            mask: "...cret".to_owned(),
            active: true,
            use_count: 0,
            last_used_at: None,
            created_at: env.now(),
            updated_at: env.now(),
            etag: Etag::generate(env),
        }
    }

    #[test]
    fn a_secret_opens_in_its_place_only() {
        let (_, env) = roster_testkit::env(1);
        let (ring, key) = (keyring(1, &[(1, 1), (2, 2)]), key(&env));
        let sealed = ring.seal(&env, &key, b"s3cret-s3cret").unwrap();
        assert_eq!(ring.open(&key, &sealed).unwrap().expose_secret(), "s3cret-s3cret");
        assert!(!sealed.ciphertext.windows(6).any(|part| part == b"s3cret"));

        let other_user = Owner::User(UserId::generate(&env));
        for elsewhere in [
            ApiKey { id: ApiKeyId::generate(&env), ..key.clone() },
            ApiKey { owner: Owner::System, ..key.clone() },
            ApiKey { owner: other_user, ..key.clone() },
            ApiKey { provider: Provider::parse("acme2").unwrap(), ..key.clone() },
        ] {
            assert_eq!(ring.open(&elsewhere, &sealed).err(), Some(SealError::Refused(1)));
        }
        // What is not part of the place may change.
        let renamed = ApiKey { name: KeyName::parse("Other").unwrap(), active: false, ..key };
        assert!(ring.open(&renamed, &sealed).is_ok());
    }

    #[test]
    fn a_secret_opens_under_its_version_only() {
        let (_, env) = roster_testkit::env(1);
        let key = key(&env);
        // The same bytes under two versions: it is the version that is bound.
        let ring = keyring(1, &[(1, 7), (2, 7)]);
        let sealed = ring.seal(&env, &key, b"s3cret-s3cret").unwrap();
        let other = Sealed { key_version: 2, ..sealed.clone() };
        assert_eq!(ring.open(&key, &other).err(), Some(SealError::Refused(2)));
        let gone = keyring(2, &[(2, 7)]);
        assert_eq!(gone.open(&key, &sealed).err(), Some(SealError::KeyMissing(1)));
        let wrong = keyring(1, &[(1, 8)]);
        assert_eq!(wrong.open(&key, &sealed).err(), Some(SealError::Refused(1)));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let (_, env) = roster_testkit::env(1);
        let (ring, key) = (keyring(1, &[(1, 1)]), key(&env));
        let sealed = ring.seal(&env, &key, b"s3cret-s3cret").unwrap();
        for at in 0..sealed.ciphertext.len() {
            let mut forged = sealed.clone();
            forged.ciphertext[at] ^= 1;
            assert_eq!(ring.open(&key, &forged).err(), Some(SealError::Refused(1)), "{at}");
        }
        for nonce in [vec![], vec![0; 12], vec![0; 13], sealed.nonce[..11].to_vec()] {
            let forged = Sealed { nonce, ..sealed.clone() };
            assert_eq!(ring.open(&key, &forged).err(), Some(SealError::Refused(1)));
        }
    }

    #[test]
    fn no_two_encryptions_are_alike() {
        let (_, env) = roster_testkit::env(1);
        let (ring, key) = (keyring(1, &[(1, 1)]), key(&env));
        let one = ring.seal(&env, &key, b"s3cret-s3cret").unwrap();
        let other = ring.seal(&env, &key, b"s3cret-s3cret").unwrap();
        assert_ne!(one.nonce, other.nonce);
        assert_ne!(one.ciphertext, other.ciphertext);
    }

    #[test]
    fn a_keyring_has_its_active_key_and_shows_none() {
        let one = || [(1, Zeroizing::new([0xab; 32]))];
        assert_eq!(Keyring::new(2, one()).err(), Some(InvalidKeyring::NoActiveKey(2)));
        let zero = [(0, Zeroizing::new([1; 32]))];
        assert_eq!(Keyring::new(0, zero).err(), Some(InvalidKeyring::Version(0)));
        let shown = format!("{:?}", Keyring::new(1, one()).unwrap());
        assert_eq!(shown, "Keyring { active: 1, versions: [1] }");
    }
}
