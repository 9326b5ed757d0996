//! How long transactions wait for their turn, and for the disk.

use std::time::Duration;

use roster_server::metrics::{Histogram, KeyValue, Meters};

use crate::Engine;

/// The instruments of one database.
#[derive(Debug)]
pub struct Timing {
    wait: Histogram<f64>,
    operation: Histogram<f64>,
    pool: [KeyValue; 1],
    commit: [KeyValue; 3],
}

impl Timing {
    pub fn new(meters: &Meters, engine: Engine, name: &'static str) -> Self {
        let wait = meters.durations(
            "db.client.connection.wait_time",
            "How long transactions waited for a connection that writes",
        );
        let operation = meters.durations(
            "db.client.operation.duration",
            "How long databases took to make transactions durable",
        );
        let pool = [KeyValue::new("db.client.connection.pool.name", name)];
        let commit = [
            KeyValue::new("db.system.name", engine.name()),
            KeyValue::new("db.namespace", name),
            KeyValue::new("db.operation.name", "COMMIT"),
        ];
        Self { wait, operation, pool, commit }
    }

    pub fn waited(&self, time: Duration) {
        self.wait.record(time.as_secs_f64(), &self.pool);
    }

    pub fn committed(&self, time: Duration) {
        self.operation.record(time.as_secs_f64(), &self.commit);
    }
}
