//! A session and how long it lasts.

use std::net::IpAddr;

use chrono::TimeDelta;
use roster_kernel::{Env, Origin, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// What a client calls itself: unverified text of at most 512 characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserAgent(String);

impl UserAgent {
    /// The most characters that are kept.
    pub const MAX_CHARS: usize = 512;

    /// Takes the text as it is, and no more of it than is kept; U+FFFD stands
    /// for U+0000, which PostgreSQL keeps in no text.
    #[must_use]
    pub fn cut(text: &str) -> Self {
        let kept = |c| if c == '\0' { char::REPLACEMENT_CHARACTER } else { c };
        Self(text.chars().take(Self::MAX_CHARS).map(kept).collect())
    }

    /// The text: data, to be shown and never interpreted.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How long sessions last: counted from their opening, used or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Without `remember_me`.
    pub standard: TimeDelta,
    /// With `remember_me`.
    pub remembered: TimeDelta,
}

impl Lifetimes {
    /// The lifetime of a session opened with or without `remember_me`.
    #[must_use]
    pub const fn of(&self, remember_me: bool) -> TimeDelta {
        if remember_me { self.remembered } else { self.standard }
    }
}

/// A signed-in session. Says nothing about the token that opens it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The session's id.
    pub id: SessionId,
    /// Who signed in.
    pub user_id: UserId,
    /// The session epoch of the user that the password was verified under:
    /// the session is over once the user's epoch is higher.
    pub epoch: i64,
    /// When the user signed in.
    pub created_at: Timestamp,
    /// From when on the session is over.
    pub expires_at: Timestamp,
    /// When the session was last used, to within about a minute.
    pub last_seen_at: Timestamp,
    /// The address signed in from, in canonical form.
    pub address: Option<IpAddr>,
    /// What the client called itself.
    pub user_agent: UserAgent,
}

impl Session {
    /// A session of `user_id` that begins now.
    #[must_use]
    pub fn begin(
        env: &Env,
        user_id: UserId,
        epoch: i64,
        lifetime: TimeDelta,
        origin: &Origin,
    ) -> Self {
        let now = env.now();
        Self {
            id: SessionId::generate(env),
            user_id,
            epoch,
            created_at: now,
            expires_at: now.checked_add_signed(lifetime).unwrap_or(Timestamp::MAX_UTC),
            last_seen_at: now,
            address: origin.address.map(|address| address.to_canonical()),
            user_agent: UserAgent::cut(&origin.user_agent),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_long_user_agent_is_cut_between_characters() {
        let text = "é".repeat(600);
        assert_eq!(UserAgent::cut(&text).as_str(), "é".repeat(512));
        let hostile = "<b>\u{202e}\r\nSet-Cookie: x";
        assert_eq!(UserAgent::cut(hostile).as_str(), hostile);
        assert_eq!(UserAgent::cut("x\0y").as_str(), "x\u{fffd}y");
    }

    #[test]
    fn the_lifetime_counts_from_the_beginning() {
        let (_, env) = roster_testkit::env(1);
        let user_id = UserId::generate(&env);
        let origin = Origin {
            address: Some("::ffff:192.0.2.7".parse().unwrap()),
            user_agent: "test".to_owned(),
        };
        let session = Session::begin(&env, user_id, 3, TimeDelta::days(7), &origin);
        assert_eq!(session.expires_at - session.created_at, TimeDelta::days(7));
        assert_eq!(session.last_seen_at, env.now());
        assert_eq!(session.address, Some("192.0.2.7".parse().unwrap()));
        assert_eq!(session.epoch, 3);
    }
}
