//! What an operator can set.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::domain::Lifetimes;

/// The longest that a session can be set to last, in days.
const MOST_DAYS: u32 = 3_650;

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
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self { timeout_days: 7, remember_me_timeout_days: 30 }
    }
}

/// A setting that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} must be between 1 and {MOST_DAYS} days, not {value}")]
pub struct ConfigError {
    key: &'static str,
    value: u32,
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
        for (key, value) in [
            ("timeout_days", self.timeout_days),
            ("remember_me_timeout_days", self.remember_me_timeout_days),
        ] {
            if !(1..=MOST_DAYS).contains(&value) {
                return Err(ConfigError { key, value });
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
        let config = SessionConfig { remember_me_timeout_days: 0, ..SessionConfig::default() };
        let message = config.validate().unwrap_err().to_string();
        assert!(message.starts_with("remember_me_timeout_days must be"), "{message}");
    }
}
