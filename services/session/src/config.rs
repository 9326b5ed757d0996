//! What an operator can set.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{domain::Lifetimes, op::attempt::LoginLimits};

/// The longest that a session can be set to last, in days.
const MOST_DAYS: u64 = 3_650;

/// The settings of the session service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionConfig {
    /// How many days a session lasts, used or not: 1 to 3,650. The guide's
    /// `SESSION_TIMEOUT_DAYS`.
    pub timeout_days: u32,
    /// How many days a session lasts that was opened with `remember_me`: 1 to
    /// 3,650. One that is below `timeout_days` counts as `timeout_days`.
    pub remember_me_timeout_days: u32,
    /// How signing in is kept from being used for guessing.
    pub login: LoginConfig,
}

/// How signing in is kept from being used for guessing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoginConfig {
    /// How many sign in at the same time: 1 to 10,000; further ones are
    /// refused with `HASH_QUEUE_FULL`.
    pub max_concurrent: usize,
    /// How often signing in to one account from one address fails before
    /// there is a wait: 1 to 100.
    pub failures_per_account_and_address: u32,
    /// How often signing in from one address fails, at whatever accounts,
    /// before there is a wait: 1 to 10,000.
    pub failures_per_address: u32,
    /// How often signing in to one account fails, from all the addresses that
    /// are new to it, before there is a wait: 1 to 99.
    pub failures_per_account: u32,
    /// How long one address waits at the most, in seconds: 1 to 86,400.
    pub longest_wait_seconds: u32,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self { timeout_days: 7, remember_me_timeout_days: 30, login: LoginConfig::default() }
    }
}

impl Default for LoginConfig {
    fn default() -> Self {
        Self {
            max_concurrent: 64,
            failures_per_account_and_address: 10,
            failures_per_address: 50,
            failures_per_account: 20,
            longest_wait_seconds: 900,
        }
    }
}

impl LoginConfig {
    pub(crate) const fn limits(&self) -> LoginLimits {
        LoginLimits::new(
            self.failures_per_account_and_address,
            self.failures_per_address,
            self.failures_per_account,
            // Not beyond what it can be: a day.
            TimeDelta::seconds(self.longest_wait_seconds as i64),
        )
    }
}

/// A setting that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} must be between 1 and {most}, not {value}")]
pub struct ConfigError {
    key: &'static str,
    value: u64,
    most: u64,
}

impl SessionConfig {
    /// Checks the settings and gives what they mean.
    pub(crate) fn lifetimes(&self) -> Result<Lifetimes, ConfigError> {
        self.validate()?;
        let days = |days: u32| TimeDelta::days(i64::from(days));
        let standard = days(self.timeout_days);
        Ok(Lifetimes { standard, remembered: days(self.remember_me_timeout_days).max(standard) })
    }

    /// Checks the settings.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let login = &self.login;
        for (key, value, most) in [
            ("timeout_days", self.timeout_days.into(), MOST_DAYS),
            ("remember_me_timeout_days", self.remember_me_timeout_days.into(), MOST_DAYS),
            ("login.max_concurrent", login.max_concurrent as u64, 10_000),
            (
                "login.failures_per_account_and_address",
                login.failures_per_account_and_address.into(),
                100,
            ),
            ("login.failures_per_address", login.failures_per_address.into(), 10_000),
            ("login.failures_per_account", login.failures_per_account.into(), 99),
            ("login.longest_wait_seconds", login.longest_wait_seconds.into(), 86_400),
        ] {
            if !(1..=most).contains(&value) {
                return Err(ConfigError { key, value, most });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_last_a_week_or_a_month() {
        let lifetimes = SessionConfig::default().lifetimes().unwrap();
        assert_eq!(lifetimes.of(false), TimeDelta::days(7));
        assert_eq!(lifetimes.of(true), TimeDelta::days(30));
    }

    #[test]
    fn being_remembered_never_shortens_a_session() {
        let config = SessionConfig { timeout_days: 60, ..SessionConfig::default() };
        assert_eq!(config.lifetimes().unwrap().of(true), TimeDelta::days(60));
    }

    #[test]
    fn a_setting_out_of_bounds_is_named() {
        for days in [0, 3_651, u32::MAX] {
            let config = SessionConfig { timeout_days: days, ..SessionConfig::default() };
            let message = config.validate().unwrap_err().to_string();
            assert!(message.starts_with("timeout_days must be"), "{message}");
        }
        let login = LoginConfig { failures_per_account: 100, ..LoginConfig::default() };
        let config = SessionConfig { login, ..SessionConfig::default() };
        let message = config.validate().unwrap_err().to_string();
        assert!(message.starts_with("login.failures_per_account must be"), "{message}");
        let config = SessionConfig { remember_me_timeout_days: 0, ..SessionConfig::default() };
        let message = config.validate().unwrap_err().to_string();
        assert!(message.starts_with("remember_me_timeout_days must be"), "{message}");
    }
}
