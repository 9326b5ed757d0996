//! What is kept of a user, handed out, and how its reader can tell whether it
//! is whole.

use roster_kernel::{ServiceName, Timestamp, UserId};
use sha2::{Digest, Sha256};

/// A message of some contract, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which message it is.
    pub type_url: String,
    /// Its bytes.
    pub value: Vec<u8>,
}

/// One thing that a service keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The service.
    pub participant: ServiceName,
    /// The kind of thing.
    pub kind: String,
    /// The thing.
    pub record: Record,
}

/// How much of one kind an export holds.
#[derive(Clone, Debug)]
pub struct ExportedKind {
    /// The service.
    pub participant: ServiceName,
    /// The kind of thing.
    pub kind: String,
    /// How many records.
    pub count: i64,
    digest: Sha256,
}

impl ExportedKind {
    /// The SHA-256 of the records, one after the other, each behind its
    /// length as eight bytes, most significant first.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        self.digest.clone().finalize().into()
    }
}

/// What an export consists of.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Whose data it is.
    pub user_id: UserId,
    /// When it began.
    pub created_at: Timestamp,
    /// One for each service and kind, in their order.
    pub kinds: Vec<ExportedKind>,
    /// The kind that records are of at present.
    at: usize,
}

/// A record of a kind that was not announced, or behind those of a later
/// kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfOrder;

impl Manifest {
    /// An export that begins at `now`.
    #[must_use]
    pub const fn new(user_id: UserId, now: Timestamp) -> Self {
        Self { user_id, created_at: now, kinds: Vec::new(), at: 0 }
    }

    /// Announces the records of a kind, of which there may be none.
    pub fn announce(&mut self, participant: &ServiceName, kind: &str) {
        let (participant, kind) = (participant.clone(), kind.to_owned());
        self.kinds.push(ExportedKind { participant, kind, count: 0, digest: Sha256::new() });
    }

    /// Takes note of a record.
    pub fn note(&mut self, exported: &Exported) -> Result<(), OutOfOrder> {
        let Exported { participant, kind, record } = exported;
        let is_its = |it: &ExportedKind| it.participant == *participant && it.kind == *kind;
        let behind = self.kinds.get(self.at..).unwrap_or_default();
        self.at += behind.iter().position(is_its).ok_or(OutOfOrder)?;
        let kind = &mut self.kinds[self.at];
        kind.count += 1;
        kind.digest.update((record.value.len() as u64).to_be_bytes());
        kind.digest.update(&record.value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSONA: ServiceName = ServiceName::from_static("persona");

    fn manifest() -> Manifest {
        let (_, env) = roster_testkit::env(1);
        let mut manifest = Manifest::new(UserId::generate(&env), env.now());
        for kind in ["annotations", "ontologies", "personas"] {
            manifest.announce(&PERSONA, kind);
        }
        manifest
    }

    fn exported(kind: &str, value: &[u8]) -> Exported {
        let record = Record { type_url: String::new(), value: value.to_vec() };
        Exported { participant: PERSONA, kind: kind.to_owned(), record }
    }

    #[test]
    fn the_digest_is_that_of_the_contract() {
        let mut manifest = manifest();
        manifest.note(&exported("annotations", b"ab")).unwrap();
        manifest.note(&exported("annotations", b"c")).unwrap();
        manifest.note(&exported("personas", b"")).unwrap();
        let counts: Vec<_> = manifest.kinds.iter().map(|kind| kind.count).collect();
        assert_eq!(counts, [2, 0, 1]);
        let expected: [u8; 32] = Sha256::digest(b"\0\0\0\0\0\0\0\x02ab\0\0\0\0\0\0\0\x01c").into();
        assert_eq!(manifest.kinds[0].sha256(), expected);
        let nothing: [u8; 32] = Sha256::digest(b"").into();
        assert_eq!(manifest.kinds[1].sha256(), nothing);
        assert_ne!(manifest.kinds[2].sha256(), nothing, "an empty record is a record");
    }

    #[test]
    fn records_come_in_the_order_of_their_kinds() {
        let mut manifest = manifest();
        manifest.note(&exported("ontologies", b"a")).unwrap();
        for stray in ["annotations", "unheard-of"] {
            assert_eq!(manifest.note(&exported(stray, b"a")), Err(OutOfOrder), "{stray}");
        }
        manifest.note(&exported("ontologies", b"a")).unwrap();
    }
}
