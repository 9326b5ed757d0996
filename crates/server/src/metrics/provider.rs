//! Where measurements end up.

use std::fmt;

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use prometheus::{Registry, TextEncoder};

use super::{Meters, SCOPE, process};
use crate::telemetry::{OtlpConfig, TelemetryError, otlp};

/// The measurements of one process: for Prometheus to fetch, and on their way
/// to a collector when there is one.
pub struct Metrics {
    provider: SdkMeterProvider,
    registry: Registry,
    meters: Meters,
    exports: bool,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Begins to measure the process. With `otlp`, measurements are sent there
    /// every minute (or as `OTEL_METRIC_EXPORT_INTERVAL` says, in
    /// milliseconds); this needs a tokio runtime.
    pub fn new(otlp: Option<&OtlpConfig>) -> Result<Self, TelemetryError> {
        let registry = Registry::new();
        let scraped = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            // There is one scope: its name would only repeat itself.
            .scope_info_enabled(false)
            .build()?;
        let mut builder =
            SdkMeterProvider::builder().with_reader(scraped).with_resource(otlp::resource(otlp));
        if let Some(otlp) = otlp {
            builder = builder.with_reader(PeriodicReader::builder(otlp::metrics(otlp)?).build());
        }
        let provider = builder.build();
        let meters = Meters { meter: provider.meter(SCOPE) };
        process::watch(&meters, env!("CARGO_PKG_VERSION"));
        Ok(Self { provider, registry, meters, exports: otlp.is_some() })
    }

    /// What instruments are made of.
    #[must_use]
    pub fn meters(&self) -> &Meters {
        &self.meters
    }

    /// What answers a scrape.
    #[must_use]
    pub fn scraper(&self) -> Scraper {
        Scraper { registry: self.registry.clone() }
    }

    /// Sends what has been measured since the last time, and ends.
    pub async fn flush(mut self) {
        if let Some(end) = self.end() {
            otlp::finish(end).await;
        }
    }

    /// What there is to do at the end, unless it has been done.
    fn end(&mut self) -> Option<impl FnOnce() + Send + 'static> {
        let provider = std::mem::take(&mut self.exports).then(|| self.provider.clone())?;
        Some(move || otlp::ended("metrics", &provider.shutdown_with_timeout(otlp::PATIENCE)))
    }
}

impl Drop for Metrics {
    /// Where nobody has flushed, sends what is left.
    fn drop(&mut self) {
        if let Some(end) = self.end() {
            otlp::finish_blocking(end);
        }
    }
}

/// Reads the measurements of a process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Scraper {
    registry: Registry,
}

impl Scraper {
    /// All measurements in Prometheus' text format.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sees_its_own_instruments_and_no_others() {
        let (one, other) = (Metrics::new(None).unwrap(), Metrics::new(None).unwrap());
        one.meters().counter("roster.test.things", "{thing}", "Things").add(3, &[]);
        let text = one.scraper().text().unwrap();
        assert!(text.contains("\nroster_test_things_total 3\n"), "{text}");
        assert!(!other.scraper().text().unwrap().contains("roster_test_things"));
    }

    #[test]
    fn the_process_is_measured_from_the_start() {
        let text = Metrics::new(None).unwrap().scraper().text().unwrap();
        for line in [
            concat!("roster_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
            "process_memory_usage_bytes ",
            "process_unix_file_descriptor_count ",
            "process_uptime_seconds ",
            "process_cpu_time_seconds_total{cpu_mode=\"user\"} ",
        ] {
            assert!(text.lines().any(|it| it.starts_with(line)), "{line}: {text}");
        }
    }
}
