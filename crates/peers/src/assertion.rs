//! For whom the edge calls: a PASETO v4.public (Ed25519) that only the edge can
//! sign, for one service and for seconds.

mod claims;
mod keys;

use std::time::Duration;

use chrono::TimeDelta;
use http::HeaderName;
use pasetors::{
    Public,
    token::UntrustedToken,
    version4::{PublicToken, V4},
};
use roster_kernel::{Caller, Env, ServiceName};
use roster_server::Refusal;
use serde::{Deserialize, Serialize};
use tonic::Code;

use claims::Claims;
pub use keys::{KeyError, PublicKeys, SigningKey};

/// The one header that an assertion travels in.
pub const HEADER: HeaderName = HeaderName::from_static("roster-assertion");

/// How long an assertion may live at most.
pub const LONGEST_LIFE: Duration = Duration::from_secs(10);

/// No assertion is longer: what is bounds the work that a peer can cause.
const MOST_BYTES: usize = 8 * 1024;

const PREFIX: &str = "v4.public.";

/// Which key an assertion is signed with, as PASERK names it (`k4.pid`).
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Footer {
    kid: String,
}

/// Why an assertion does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It is no assertion of the one algorithm that there is.
    #[error("the assertion is malformed")]
    Malformed,
    /// It names a key that is not one of the edge's.
    #[error("the assertion is signed with a key that is not known")]
    UnknownKey,
    /// It is not what was signed.
    #[error("the assertion's signature is wrong")]
    Signature,
    /// Somebody else than the gateway says that it issued it.
    #[error("the assertion is not the gateway's")]
    Issuer,
    /// It is for another service.
    #[error("the assertion is for another service")]
    Audience,
    /// It was made for longer than an assertion may live.
    #[error("the assertion lives for too long")]
    Life,
    /// Its time is over.
    #[error("the assertion has expired")]
    Expired,
    /// It was made in the future: the clocks do not agree.
    #[error("the clocks of the services differ by more than is tolerated")]
    ClockSkew,
}

impl Invalid {
    const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "ASSERTION_MALFORMED",
            Self::UnknownKey => "ASSERTION_KEY_UNKNOWN",
            Self::Signature => "ASSERTION_SIGNATURE",
            Self::Issuer => "ASSERTION_ISSUER",
            Self::Audience => "ASSERTION_AUDIENCE",
            Self::Life => "ASSERTION_LIFE",
            Self::Expired => "ASSERTION_EXPIRED",
            Self::ClockSkew => "CLOCK_SKEW",
        }
    }
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        let code = match invalid {
            // Nobody's credentials are wrong: signing in again does not help.
            Invalid::ClockSkew => Code::Unavailable,
            Invalid::Malformed
            | Invalid::UnknownKey
            | Invalid::Signature
            | Invalid::Issuer
            | Invalid::Audience
            | Invalid::Life
            | Invalid::Expired => Code::Unauthenticated,
        };
        Self::new(code, invalid.reason(), invalid.to_string())
    }
}

/// Signs assertions: the edge has one, and nobody else.
#[derive(Clone, Debug)]
pub struct Signer {
    key: SigningKey,
    env: Env,
}

impl Signer {
    /// Signs with `key`.
    #[must_use]
    pub const fn new(key: SigningKey, env: Env) -> Self {
        Self { key, env }
    }

    /// What tells `audience` that it is `caller` who calls; `None` if the
    /// caller is a service, which shows its own certificate.
    #[must_use]
    pub fn sign(&self, caller: &Caller, audience: &ServiceName) -> Option<String> {
        let now = self.env.now();
        let claims = Claims::of(caller, audience, now, now + life())?;
        let claims = serde_json::to_vec(&claims).ok()?;
        let footer = serde_json::to_vec(&Footer { kid: self.key.id().to_owned() }).ok()?;
        PublicToken::sign(self.key.secret(), &claims, Some(&footer), None).ok()
    }
}

fn life() -> TimeDelta {
    TimeDelta::from_std(LONGEST_LIFE).unwrap_or(TimeDelta::zero())
}

/// Checks assertions on behalf of one service.
#[derive(Clone, Debug)]
pub struct Verifier {
    keys: PublicKeys,
    audience: ServiceName,
    tolerance: TimeDelta,
    env: Env,
}

impl Verifier {
    /// Takes assertions for `audience` that are signed with one of `keys`, by
    /// a clock that differs from this one's by at most `tolerance`.
    #[must_use]
    pub fn new(keys: PublicKeys, audience: ServiceName, tolerance: Duration, env: Env) -> Self {
        let tolerance = TimeDelta::from_std(tolerance).unwrap_or(TimeDelta::zero());
        Self { keys, audience, tolerance, env }
    }

    /// Whose time it is that counts.
    pub(crate) const fn env(&self) -> &Env {
        &self.env
    }

    /// Who calls, if `assertion` says so.
    pub fn verify(&self, assertion: &str) -> Result<Caller, Invalid> {
        if assertion.len() > MOST_BYTES || !assertion.starts_with(PREFIX) {
            return Err(Invalid::Malformed);
        }
        let untrusted =
            UntrustedToken::<Public, V4>::try_from(assertion).map_err(|_| Invalid::Malformed)?;
        let footer: Footer =
            serde_json::from_slice(untrusted.untrusted_footer()).map_err(|_| Invalid::Malformed)?;
        let key = self.keys.find(&footer.kid).ok_or(Invalid::UnknownKey)?;
        let trusted =
            PublicToken::verify(&key, &untrusted, None, None).map_err(|_| Invalid::Signature)?;
        let claims: Claims =
            serde_json::from_str(trusted.payload()).map_err(|_| Invalid::Malformed)?;
        self.check(&claims)?;
        claims.caller().ok_or(Invalid::Malformed)
    }

    fn check(&self, claims: &Claims) -> Result<(), Invalid> {
        if claims.iss != crate::GATEWAY.as_str() {
            return Err(Invalid::Issuer);
        }
        if claims.aud != self.audience.as_str() {
            return Err(Invalid::Audience);
        }
        if claims.exp <= claims.iat || claims.exp - claims.iat > life() {
            return Err(Invalid::Life);
        }
        let now = self.env.now();
        if claims.iat > now + self.tolerance {
            return Err(Invalid::ClockSkew);
        }
        if claims.exp + self.tolerance <= now {
            return Err(Invalid::Expired);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
