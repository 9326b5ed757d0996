//! What attempts are counted by.

use std::{fmt, net::IpAddr};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Names something that is counted, and does not tell what. 128 bits of a
/// keyed hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key([u8; Key::BYTES]);

impl Key {
    /// How many bytes a key has.
    pub const BYTES: usize = 16;

    /// The bytes, as storage keeps them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Makes keys, under a secret: whoever reads the database cannot try names
/// and addresses until one fits.
#[derive(Clone)]
pub struct Keys([u8; 32]);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(..)")
    }
}

impl Keys {
    /// Takes 32 secret bytes, the same on every replica.
    #[must_use]
    pub const fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// The key of `parts` in `scope`. Other parts have another key, also where
    /// they read the same one after the other.
    #[must_use]
    pub fn key(&self, scope: &'static str, parts: &[&[u8]]) -> Key {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length");
        for part in std::iter::once(scope.as_bytes()).chain(parts.iter().copied()) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        let mut key = [0; Key::BYTES];
        key.copy_from_slice(&mac.finalize().into_bytes()[..Key::BYTES]);
        Key(key)
    }
}

/// What stands for an address: an IPv4 address itself, and of an IPv6 one the
/// first 64 bits, because whoever has one such address has all of its network.
/// Callers without an address count as one.
#[must_use]
pub fn network(address: Option<IpAddr>) -> Vec<u8> {
    match address.map(|address| address.to_canonical()) {
        None => Vec::new(),
        Some(IpAddr::V4(address)) => address.octets().to_vec(),
        Some(IpAddr::V6(address)) => address.octets()[..8].to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_by_secret_scope_and_parts() {
        let keys = Keys::new([1; 32]);
        let key = keys.key("login", &[b"ab", b"c"]);
        assert_eq!(key, keys.key("login", &[b"ab", b"c"]));
        assert_ne!(key, keys.key("login", &[b"a", b"bc"]));
        assert_ne!(key, keys.key("login", &[b"abc"]));
        assert_ne!(key, keys.key("logi", &[b"nab", b"c"]));
        assert_ne!(key, Keys::new([2; 32]).key("login", &[b"ab", b"c"]));
        assert_eq!(format!("{keys:?} {key:?}"), "Keys(..) Key(..)");
    }

    #[test]
    fn an_ipv6_network_counts_as_one_and_a_mapped_address_as_itself() {
        let of = |text: &str| network(Some(text.parse().unwrap()));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(network(None), Vec::<u8>::new());
    }
}
