//! What is erased, and what should not be left.

use std::sync::Arc;

use roster_kernel::ServiceName;
use roster_server::metrics::{Counter, Gauge, KeyValue, Meters};

/// The instruments of a participant. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ParticipantMeter {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    service: KeyValue,
    erased: Counter<u64>,
    orphans: Gauge<u64>,
    ledger_behind: Gauge<u64>,
}

impl ParticipantMeter {
    pub fn new(meters: &Meters, service: &ServiceName) -> Self {
        let erased = meters.counter(
            "roster.erasure.rows",
            "{row}",
            "Rows of deleted users that were erased",
        );
        let orphans = meters.gauge(
            "roster.orphans",
            "{row}",
            "Rows of users whose erasure is complete: 0, or data has outlived its user",
        );
        let ledger_behind = meters.gauge(
            "roster.ledger.behind",
            "",
            "Whether the ledger of users has lost what was taken in from it: 0, or 1 until `roster restore identity`",
        );
        let service = KeyValue::new("roster.service", service.to_string());
        Self { inner: Arc::new(Inner { service, erased, orphans, ledger_behind }) }
    }

    /// Counts rows that a committed batch has erased.
    pub fn erased(&self, kind: &'static str, rows: u64) {
        self.inner.erased.add(rows, &self.of(kind));
    }

    /// Shows how many rows of a kind are left that should not be.
    pub fn orphans(&self, kind: &'static str, rows: u64) {
        self.inner.orphans.record(rows, &self.of(kind));
    }

    /// Shows whether the ledger is older than what is known.
    pub fn ledger_behind(&self, behind: bool) {
        self.inner.ledger_behind.record(behind.into(), std::slice::from_ref(&self.inner.service));
    }

    fn of(&self, kind: &'static str) -> [KeyValue; 2] {
        [self.inner.service.clone(), KeyValue::new("roster.kind", kind)]
    }
}
