//! What is counted and measured: one set of instruments, which feeds OTLP and
//! Prometheus alike.
//!
//! Whoever measures something is handed [`Meters`] and makes its instruments
//! of it; [`Metrics`] is where they end up. Nothing of it is process-wide: each
//! [`Metrics`] sees its own instruments and no others.

mod calls;
mod connections;
mod process;
mod provider;
mod refresh;

use std::sync::Arc;

use opentelemetry::metrics::{InstrumentProvider, Meter};

pub use calls::{CallMeter, Layer, MeterLayer, MeteredBody};
pub use connections::ConnectionMeter;
pub use opentelemetry::{
    KeyValue,
    metrics::{AsyncInstrument, Counter, Gauge, Histogram},
};
pub use provider::{Metrics, Scraper};
pub use refresh::keep_fresh;

/// The scope that every instrument belongs to.
const SCOPE: &str = "roster";

/// Upper bounds of the classes of durations, in seconds: from a look-up in
/// memory to a caller's longest patience.
const DURATIONS: [f64; 16] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

/// Makes instruments. Cheap to clone.
///
/// Names follow OpenTelemetry's semantic conventions where they have one, and
/// begin with `roster.` where they have none. The values of attributes come
/// from this code and the contracts, never from a client: whoever could make
/// new ones could fill the memory.
#[derive(Clone)]
pub struct Meters {
    meter: Meter,
}

impl std::fmt::Debug for Meters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meters").finish_non_exhaustive()
    }
}

/// Makes instruments that measure nothing, as the trait does by default.
struct Nothing;

impl InstrumentProvider for Nothing {}

impl Default for Meters {
    fn default() -> Self {
        Self::none()
    }
}

impl Meters {
    /// Instruments that measure nothing.
    #[must_use]
    pub fn none() -> Self {
        Self { meter: Meter::new(Arc::new(Nothing)) }
    }

    /// What happens, counted.
    #[must_use]
    pub fn counter(
        &self,
        name: &'static str,
        unit: &'static str,
        help: &'static str,
    ) -> Counter<u64> {
        self.meter.u64_counter(name).with_unit(unit).with_description(help).build()
    }

    /// How long something takes, in seconds.
    #[must_use]
    pub fn durations(&self, name: &'static str, help: &'static str) -> Histogram<f64> {
        let histogram = self.meter.f64_histogram(name).with_unit("s").with_description(help);
        histogram.with_boundaries(DURATIONS.to_vec()).build()
    }

    /// How much there is of something, as of the last time that it was looked
    /// at.
    #[must_use]
    pub fn gauge(&self, name: &'static str, unit: &'static str, help: &'static str) -> Gauge<u64> {
        self.meter.u64_gauge(name).with_unit(unit).with_description(help).build()
    }

    /// An age or a time left, in seconds, as of the last time that it was
    /// looked at.
    #[must_use]
    pub fn seconds(&self, name: &'static str, help: &'static str) -> Gauge<f64> {
        self.meter.f64_gauge(name).with_unit("s").with_description(help).build()
    }

    /// How much there is of something at the moment of the question. `read` is
    /// asked at each scrape and each export: it may look at memory, and at
    /// nothing slower.
    pub fn observe(
        &self,
        name: &'static str,
        unit: &'static str,
        help: &'static str,
        read: impl Fn(&dyn AsyncInstrument<i64>) + Send + Sync + 'static,
    ) {
        let observed = self.meter.i64_observable_up_down_counter(name).with_unit(unit);
        // The meter keeps the instrument with its callback.
        let _kept = observed.with_description(help).with_callback(read).build();
    }

    pub(crate) const fn meter(&self) -> &Meter {
        &self.meter
    }
}
