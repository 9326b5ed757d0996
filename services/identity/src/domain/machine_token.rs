//! Tokens for programs.

use chrono::TimeDelta;
use roster_kernel::{Env, MachineTokenId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::{
    subject::Subject,
    text::{InvalidText, checked_name},
};

/// The most tokens of one issuer that have not ended.
pub const MOST_MACHINE_TOKENS: u64 = 100;

const MOST_DAYS: i32 = 90;
const DEFAULT_DAYS: i32 = 30;

/// What a token is for, in its issuer's words: 1 to 100 characters (Unicode
/// code points), kept as they were sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenName(String);

impl TokenName {
    /// Takes a text that is within the bounds.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        checked_name(text).map(Self)
    }

    /// Takes a name that was parsed before it was stored.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a token allows, as far as its issuer is allowed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenScope {
    /// What an administrator may do.
    Admin,
    /// What an administrator may see.
    ReadOnly,
}

/// Days out of their bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be between 0 and {MOST_DAYS}")]
pub struct InvalidLifetime;

/// How long a token lasts: 1 to 90 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime(TimeDelta);

impl Lifetime {
    /// Takes a number of days; 0 stands for 30.
    pub fn parse(days: i32) -> Result<Self, InvalidLifetime> {
        match days {
            0 => Ok(Self(TimeDelta::days(DEFAULT_DAYS.into()))),
            1..=MOST_DAYS => Ok(Self(TimeDelta::days(days.into()))),
            _ => Err(InvalidLifetime),
        }
    }
}

/// A token, apart from the token itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineToken {
    /// The id.
    pub id: MachineTokenId,
    /// What it is for.
    pub name: TokenName,
    /// What it allows.
    pub scope: TokenScope,
    /// Who issued it.
    pub issuer: UserId,
    /// The session epoch of the issuer that it was issued under: it has ended
    /// once theirs is another one. So whatever ends all of somebody's sessions
    /// ends their tokens, and nothing brings either back.
    pub epoch: i64,
    /// When it was issued.
    pub created_at: Timestamp,
    /// From when on it is over.
    pub expires_at: Timestamp,
    /// When it was used last, coarsely.
    pub last_used_at: Option<Timestamp>,
}

impl MachineToken {
    /// A token that `issuer` issues now.
    #[must_use]
    pub fn issue(
        env: &Env,
        issuer: &Subject,
        name: TokenName,
        scope: TokenScope,
        lifetime: Lifetime,
    ) -> Self {
        let now = env.now();
        Self {
            id: MachineTokenId::generate(env),
            name,
            scope,
            issuer: issuer.user_id,
            epoch: issuer.session_epoch,
            created_at: now,
            expires_at: now.checked_add_signed(lifetime.0).unwrap_or(Timestamp::MAX_UTC),
            last_used_at: None,
        }
    }
}

/// The token that a page ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineTokenCursor {
    /// When the token was issued.
    pub created_at: Timestamp,
    /// Which token, among those of the same moment.
    pub id: MachineTokenId,
}

impl From<&MachineToken> for MachineTokenCursor {
    fn from(token: &MachineToken) -> Self {
        Self { created_at: token.created_at, id: token.id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_of_days_and_bounded() {
        for (days, expected) in [(0, Some(30)), (1, Some(1)), (90, Some(90))] {
            let lifetime = Lifetime::parse(days).ok().map(|it| it.0.num_days());
            assert_eq!(lifetime, expected, "{days}");
        }
        for days in [i32::MIN, -1, 91, i32::MAX] {
            assert_eq!(Lifetime::parse(days), Err(InvalidLifetime), "{days}");
        }
    }

    #[test]
    fn a_token_is_of_its_issuers_epoch() {
        let (_, env) = roster_testkit::env(1);
        let version = super::super::Version { incarnation: 1, number: 1 };
        let role = super::super::Role::Admin;
        let mut issuer = Subject::new(UserId::generate(&env), version, role, false);
        issuer.end_sessions();
        let name = TokenName::parse("CI").unwrap();
        let lifetime = Lifetime::parse(0).unwrap();
        let token = MachineToken::issue(&env, &issuer, name, TokenScope::ReadOnly, lifetime);
        assert_eq!((token.issuer, token.epoch), (issuer.user_id, 1));
        assert_eq!(token.expires_at - token.created_at, TimeDelta::days(30));
    }
}
