//! What an operator can set.

use serde::{Deserialize, Serialize};

use crate::{
    domain::{LONGEST_PASSWORD, PasswordPolicy, SHORTEST_PASSWORD},
    hashing::{HashParams, HashPool},
};

/// The settings of the identity service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// Whether people can create accounts for themselves. The guide's
    /// `ALLOW_REGISTRATION`.
    pub allow_registration: bool,
    /// How many accounts people create from one address before there is a
    /// wait: 1 to 10,000.
    pub registrations_per_address: u32,
    /// The participant whose receipt makes a change effective: the one that
    /// decides whether a token is good.
    pub effect_consumer: String,
    /// What is asked of passwords, and what checking them costs.
    pub password: PasswordConfig,
}

/// What is asked of passwords, and what checking them costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordConfig {
    /// The fewest characters of a new password: 6 to 1,024.
    pub min_length: usize,
    /// Argon2's memory for one hash, in KiB: 19,456 (19 MiB) to 1,048,576.
    pub argon2_memory_kib: u32,
    /// How often Argon2 goes over its memory: 2 to 100.
    pub argon2_iterations: u32,
    /// Argon2's lanes: 1 to 16. They are gone through one after the other.
    pub argon2_lanes: u32,
    /// How many hashes are computed at the same time: 0 to 256; 0 leaves one
    /// processor to everything else.
    pub hash_threads: usize,
    /// How many hashes wait for a thread at the most, 1 to 10,000, for
    /// strangers and as many for whoever is signed in; further ones are
    /// refused with `HASH_QUEUE_FULL`.
    pub hash_queue: usize,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self {
            allow_registration: false,
            registrations_per_address: 20,
            effect_consumer: "session".to_owned(),
            password: PasswordConfig::default(),
        }
    }
}

impl Default for PasswordConfig {
    fn default() -> Self {
        Self {
            min_length: SHORTEST_PASSWORD,
            argon2_memory_kib: 19_456,
            argon2_iterations: 2,
            argon2_lanes: 1,
            hash_threads: 0,
            hash_queue: 64,
        }
    }
}

/// A setting that makes no sense, or is not safe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A number out of its bounds.
    #[error("{key} must be between {least} and {most}, not {value}")]
    OutOfBounds {
        /// The setting.
        key: &'static str,
        /// What it is set to.
        value: u64,
        /// The least that it can be.
        least: u64,
        /// The most that it can be.
        most: u64,
    },
    /// No name of a service.
    #[error("effect_consumer must be the name of a service, such as session")]
    EffectConsumer,
}

impl IdentityConfig {
    /// Checks the settings. Hashes can be made dearer than what OWASP asks
    /// for at the least, never cheaper.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if roster_kernel::ServiceName::parse(&self.effect_consumer).is_none() {
            return Err(ConfigError::EffectConsumer);
        }
        let it = &self.password;
        let number = |value: usize| value as u64;
        for (key, value, least, most) in [
            ("registrations_per_address", self.registrations_per_address.into(), 1, 10_000),
            (
                "password.min_length",
                number(it.min_length),
                number(SHORTEST_PASSWORD),
                number(LONGEST_PASSWORD),
            ),
            ("password.argon2_memory_kib", it.argon2_memory_kib.into(), 19_456, 1_048_576),
            ("password.argon2_iterations", it.argon2_iterations.into(), 2, 100),
            ("password.argon2_lanes", it.argon2_lanes.into(), 1, 16),
            ("password.hash_threads", number(it.hash_threads), 0, 256),
            ("password.hash_queue", number(it.hash_queue), 1, 10_000),
        ] {
            if !(least..=most).contains(&value) {
                return Err(ConfigError::OutOfBounds { key, value, least, most });
            }
        }
        Ok(())
    }

    /// What hashes cost under these settings: what belongs into
    /// [`crate::Deps`], outside tests.
    #[must_use]
    pub const fn hash_params(&self) -> HashParams {
        HashParams {
            memory_kib: self.password.argon2_memory_kib,
            iterations: self.password.argon2_iterations,
            lanes: self.password.argon2_lanes,
        }
    }

    /// How many threads hash passwords.
    #[must_use]
    pub fn hash_threads(&self) -> usize {
        match self.password.hash_threads {
            0 => HashPool::spare_threads(),
            threads => threads,
        }
    }

    pub(crate) const fn password_policy(&self) -> PasswordPolicy {
        PasswordPolicy { min_length: self.password.min_length }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut IdentityConfig)) -> String {
        let mut config = IdentityConfig::default();
        change(&mut config);
        config.validate().unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_are_valid_and_closed() {
        let config = IdentityConfig::default();
        assert_eq!(config.validate(), Ok(()));
        assert!(!config.allow_registration);
        let owasp = HashParams { memory_kib: 19_456, iterations: 2, lanes: 1 };
        assert_eq!(config.hash_params(), owasp);
        assert!(config.hash_threads() >= 1);
    }

    #[test]
    fn a_setting_out_of_bounds_is_named() {
        for (message, named) in [
            (refused(|it| it.password.min_length = 5), "password.min_length"),
            (refused(|it| it.password.argon2_memory_kib = 19_455), "password.argon2_memory_kib"),
            (refused(|it| it.password.argon2_iterations = 1), "password.argon2_iterations"),
            (refused(|it| it.password.argon2_lanes = 0), "password.argon2_lanes"),
            (refused(|it| it.registrations_per_address = 0), "registrations_per_address"),
            (refused(|it| it.password.hash_threads = 257), "password.hash_threads"),
            (refused(|it| it.password.hash_queue = 0), "password.hash_queue"),
            (refused(|it| it.effect_consumer = "Session".to_owned()), "effect_consumer"),
        ] {
            assert!(message.starts_with(&format!("{named} must be")), "{message}");
        }
    }
}
