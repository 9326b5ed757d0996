//! The connections of clients, counted.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use opentelemetry::metrics::Counter;

use super::Meters;

/// Counts the connections of one listener. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ConnectionMeter {
    open: Arc<AtomicI64>,
    refused: Counter<u64>,
}

/// A connection that has not been closed.
#[derive(Debug)]
pub struct OpenConnection(Arc<AtomicI64>);

impl ConnectionMeter {
    /// The instruments of a listener.
    #[must_use]
    pub fn new(meters: &Meters) -> Self {
        let open = Arc::new(AtomicI64::new(0));
        let read = Arc::clone(&open);
        meters.observe(
            "roster.connections.open",
            "{connection}",
            "Connections of clients that are open",
            move |open| open.observe(read.load(Ordering::Relaxed), &[]),
        );
        let refused = meters.counter(
            "roster.connections.refused",
            "{connection}",
            "Connections that were closed at once because there were too many",
        );
        // What has not happened yet shows as 0, not as absent.
        refused.add(0, &[]);
        Self { open, refused }
    }

    /// Counts a connection until the answer is dropped.
    #[must_use]
    pub fn opened(&self) -> OpenConnection {
        self.open.fetch_add(1, Ordering::Relaxed);
        OpenConnection(Arc::clone(&self.open))
    }

    /// Counts a connection that was not let in.
    pub fn refused(&self) {
        self.refused.add(1, &[]);
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
