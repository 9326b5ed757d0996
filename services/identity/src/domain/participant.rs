//! Services that joined while the installation was running.

use roster_kernel::{ServiceName, Timestamp};

/// The names that Roster's own processes and operators have.
const TAKEN: [&str; 5] = ["gateway", "identity", "operator", "persona", "session"];

/// A name that no participant can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidParticipantName {
    /// It does not fit into subjects and certificates.
    #[error("must have 1 to 40 lower-case ASCII letters, digits or hyphens")]
    Malformed,
    /// It would be taken for a part of Roster.
    #[error("is a name of Roster's own")]
    Taken,
}

/// A service that keeps data about users and is no part of Roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// Its name, as its certificate and the broker have it.
    pub name: ServiceName,
    /// Where it is: each `host:port`.
    pub addresses: Vec<String>,
    /// Since when events wait for it.
    pub added_at: Timestamp,
    /// How far it has been told of the users there were: a place in the ledger.
    pub replayed_to: i64,
    /// When it had been told of all of them.
    pub replayed_at: Option<Timestamp>,
}

impl Participant {
    /// A participant of this moment, which has been told of nobody.
    #[must_use]
    pub const fn new(name: ServiceName, addresses: Vec<String>, now: Timestamp) -> Self {
        Self { name, addresses, added_at: now, replayed_to: 0, replayed_at: None }
    }

    /// Reads the name of a participant.
    pub fn parse_name(text: &str) -> Result<ServiceName, InvalidParticipantName> {
        let name = ServiceName::parse(text).ok_or(InvalidParticipantName::Malformed)?;
        if TAKEN.contains(&name.as_str()) {
            return Err(InvalidParticipantName::Taken);
        }
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_a_name_of_rosters_own() {
        let parse = |text| Participant::parse_name(text).map(|name| name.to_string());
        assert_eq!(parse("notes-2"), Ok("notes-2".to_owned()));
        for taken in TAKEN {
            assert_eq!(parse(taken), Err(InvalidParticipantName::Taken), "{taken}");
        }
        for malformed in ["", "Notes", "notes.eu", "notes >", "*", &"n".repeat(41)] {
            assert_eq!(parse(malformed), Err(InvalidParticipantName::Malformed), "{malformed}");
        }
    }
}
