//! What the service counts: attempts to sign in, and live sessions.

use std::sync::Arc;

use roster_server::{
    Tasks,
    metrics::{Counter, KeyValue, Meters, keep_fresh},
};
use tonic::Code;

use crate::{domain::SessionFilter, error::Error, op::Cx, store::session};

/// How an attempt to sign in can end.
const OUTCOMES: [&str; 6] =
    ["opened", "wrong_credentials", "disabled", "throttled", "refused", "failed"];

/// Counts attempts to sign in.
#[derive(Debug)]
pub struct LoginMeter {
    attempts: Counter<u64>,
}

impl LoginMeter {
    /// The instrument.
    pub fn new(meters: &Meters) -> Self {
        let attempts = meters.counter(
            "roster.login.attempts",
            "{attempt}",
            "Attempts to sign in, by how they ended",
        );
        // What has not happened yet shows as 0, not as absent.
        for outcome in OUTCOMES {
            attempts.add(0, &[KeyValue::new("roster.outcome", outcome)]);
        }
        Self { attempts }
    }

    /// Counts an attempt that opened a session, or that failed for `error`.
    pub fn note(&self, error: Option<&Error>) {
        let outcome = error.map_or("opened", outcome);
        self.attempts.add(1, &[KeyValue::new("roster.outcome", outcome)]);
    }
}

fn outcome(error: &Error) -> &'static str {
    match error {
        Error::InvalidCredentials => "wrong_credentials",
        Error::UserDisabled => "disabled",
        Error::Throttled(_) => "throttled",
        Error::TooManyLogins => "refused",
        Error::Identity(status) if status.code() == Code::Unauthenticated => "wrong_credentials",
        Error::Identity(status) if status.code() == Code::ResourceExhausted => "refused",
        Error::Identity(_)
        | Error::AdminRequired
        | Error::TokenInvalid
        | Error::SessionNotFound
        | Error::InvalidPageToken
        | Error::Replay(_)
        | Error::IdentityAnswer(_)
        | Error::Db(_)
        | Error::Encoding(_) => "failed",
    }
}

/// Keeps the number of live sessions up to date in the background.
pub(crate) fn watch(cx: &Arc<Cx>, meters: &Meters, tasks: &Tasks) {
    let active =
        meters.gauge("roster.sessions.active", "{session}", "Sessions that open something");
    let (cx, env) = (Arc::clone(cx), cx.env.clone());
    let look = move || {
        let (cx, active) = (Arc::clone(&cx), active.clone());
        async move {
            let all = SessionFilter::default();
            match session::count(cx.db.read(), &all, None, cx.env.now()).await {
                Ok(sessions) => active.record(sessions, &[]),
                Err(error) => tracing::warn!(class = error.class(), "sessions not counted"),
            }
        }
    };
    tasks.spawn("session.gauges", keep_fresh(env, tasks.token(), look));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tonic::Status;

    use super::*;

    #[test]
    fn every_end_has_a_name_of_the_list() {
        for (error, expected) in [
            (Error::InvalidCredentials, "wrong_credentials"),
            (Error::UserDisabled, "disabled"),
            (Error::Throttled(Duration::ZERO), "throttled"),
            (Error::TooManyLogins, "refused"),
            (Error::Identity(Box::new(Status::unauthenticated(""))), "wrong_credentials"),
            (Error::Identity(Box::new(Status::resource_exhausted(""))), "refused"),
            (Error::Identity(Box::new(Status::unavailable(""))), "failed"),
        ] {
            assert_eq!(outcome(&error), expected);
            assert!(OUTCOMES.contains(&expected));
        }
    }
}
