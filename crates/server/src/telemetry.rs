//! Logs and traces, for the process as a whole, and what is sent to a
//! collector. What is measured is in [`crate::metrics`].

pub(crate) mod otlp;
mod panics;
mod propagation;
mod quiet;

use std::io::IsTerminal;

use opentelemetry::{global, trace::TracerProvider as _};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::{
    logs::SdkLoggerProvider, propagation::TraceContextPropagator, trace::SdkTracerProvider,
};
use serde::{Deserialize, Serialize};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt as _, LevelFilter, ParseError, Targets},
    layer::{Filter, SubscriberExt},
    util::{SubscriberInitExt, TryInitError},
};

pub use otlp::{OtlpConfig, OtlpHeaders};
pub use propagation::{continue_trace, trace_id, traceparent};

/// What the targets of Roster's own log lines begin with.
const OWN: &str = "roster";

/// Which spans become part of traces: calls, events, and what they commit.
const TRACED: &str = "info,roster_db=debug";

/// What is never sent to a collector, because sending it is what it tells
/// of: each export would lead to the next.
const OF_EXPORTS: &str = "opentelemetry=off,opentelemetry_sdk=off,opentelemetry_otlp=off,\
                          opentelemetry-otlp=off,tonic=off,h2=off,hyper=off,hyper_util=off,tower=off";

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// What is recorded, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelemetryConfig {
    /// What is logged, as `tracing-subscriber`'s `EnvFilter` reads it.
    pub filter: String,
    /// How log lines look.
    pub format: LogFormat,
    /// Where traces and logs go besides; nowhere when absent.
    pub otlp: Option<OtlpConfig>,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be read.
    #[error("log.filter is not valid")]
    Filter(#[from] ParseError),
    /// The exporter cannot be built.
    #[error("telemetry.otlp_endpoint is not usable")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The headers are none.
    #[error("telemetry.otlp_headers: {0}")]
    Headers(&'static str),
    /// Metrics cannot be offered to Prometheus: a defect.
    #[error("metrics cannot be collected")]
    Metrics(#[from] opentelemetry_sdk::error::OTelSdkError),
    /// It is set up already.
    #[error("telemetry is set up already")]
    Twice(#[from] TryInitError),
}

/// Sends what has been recorded when the process ends.
#[derive(Debug)]
pub struct TelemetryGuard {
    exports: Option<Exports>,
}

#[derive(Debug)]
struct Exports {
    traces: SdkTracerProvider,
    logs: SdkLoggerProvider,
}

impl Exports {
    fn new(otlp: &OtlpConfig) -> Result<Self, TelemetryError> {
        let resource = otlp::resource(Some(otlp));
        let traces = SdkTracerProvider::builder()
            .with_batch_exporter(otlp::traces(otlp)?)
            .with_resource(resource.clone())
            .build();
        let logs = SdkLoggerProvider::builder()
            .with_batch_exporter(otlp::logs(otlp)?)
            .with_resource(resource)
            .build();
        Ok(Self { traces, logs })
    }

    fn end(&self) {
        otlp::ended("traces", &self.traces.shutdown_with_timeout(otlp::PATIENCE));
        otlp::ended("logs", &self.logs.shutdown_with_timeout(otlp::PATIENCE));
    }
}

impl TelemetryGuard {
    /// Sends what is left.
    pub async fn flush(mut self) {
        if let Some(exports) = self.exports.take() {
            otlp::finish(move || exports.end()).await;
        }
    }
}

impl Drop for TelemetryGuard {
    /// Sends what is left when nobody has flushed.
    fn drop(&mut self) {
        if let Some(exports) = self.exports.take() {
            otlp::finish_blocking(move || exports.end());
        }
    }
}

/// Sets up logs, to standard error, and with an OTLP endpoint traces and logs
/// that are sent there; what is told of panics goes the same way. A collector
/// that does not answer costs what it would have got, and nothing else: queues
/// are bounded, and nobody waits for them.
pub fn init(config: &TelemetryConfig) -> Result<TelemetryGuard, TelemetryError> {
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    let filter = filter(&config.filter)?.and(quiet::exports_once_a_minute());
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match config.format {
        LogFormat::Text => lines.with_filter(filter).boxed(),
        LogFormat::Json => lines.json().with_filter(filter).boxed(),
    };
    let exports = config.otlp.as_ref().map(Exports::new).transpose()?;
    let traces = exports.as_ref().map(|exports| {
        tracing_opentelemetry::layer()
            .with_tracer(exports.traces.tracer("roster"))
            // Where the code stands on the machine that built it, and which
            // thread ran it, says nothing to an operator.
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(EnvFilter::new(TRACED))
    });
    let logs = exports.as_ref().map(|exports| {
        let sent = filter_for_export(&config.filter)?;
        Ok::<_, ParseError>(OpenTelemetryTracingBridge::new(&exports.logs).with_filter(sent))
    });
    let logs = logs.transpose()?;
    tracing_subscriber::registry().with(lines).with(traces).with(logs).try_init()?;
    global::set_text_map_propagator(TraceContextPropagator::new());
    panics::tell();
    Ok(TelemetryGuard { exports })
}

/// What is logged: what `directives` say, and of libraries nothing below INFO.
/// What passes through them is theirs to show there, headers with tokens and
/// statements with values among it, and no directive can ask for that.
fn filter<S>(directives: &str) -> Result<impl Filter<S> + Send + Sync + use<S>, ParseError>
where
    S: tracing::Subscriber,
{
    let bounds =
        Targets::new().with_default(LevelFilter::INFO).with_target(OWN, LevelFilter::TRACE);
    Ok(EnvFilter::try_new(directives)?.and(bounds))
}

/// What of it is sent to a collector.
fn filter_for_export<S>(
    directives: &str,
) -> Result<impl Filter<S> + Send + Sync + use<S>, ParseError>
where
    S: tracing::Subscriber,
{
    // The last of several directives for the same target counts.
    filter(&format!("{directives},{OF_EXPORTS}"))
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use tracing::{Event, Subscriber};
    use tracing_subscriber::layer::Context;

    use super::*;

    #[derive(Clone, Default)]
    struct Targets(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber> Layer<S> for Targets {
        fn on_event(&self, event: &Event<'_>, _cx: Context<'_, S>) {
            self.0.lock().unwrap().push(event.metadata().target().to_owned());
        }
    }

    #[test]
    fn what_tells_of_exports_is_not_exported() {
        let sent = Targets::default();
        let filtered = sent.clone().with_filter(filter_for_export("trace,h2=trace").unwrap());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(filtered), || {
            tracing::error!(target: "opentelemetry_sdk", "export failed");
            tracing::warn!(target: "opentelemetry-otlp", "export failed");
            tracing::trace!(target: "h2::client", "frame sent");
            tracing::debug!(target: "hyper_util::client::legacy", "connecting");
            tracing::info!(target: "roster_identity", "something happened");
        });
        assert_eq!(*sent.0.lock().unwrap(), ["roster_identity"]);
    }

    /// Where a subscriber under test writes.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_directive_makes_libraries_show_what_passes_through_them() {
        for directives in ["trace", "h2=trace,sqlx::query=trace,roster=trace,tonic[x]=trace"] {
            let log = Log::default();
            let writer = log.clone();
            let lines = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
            let subscriber =
                tracing_subscriber::registry().with(lines.with_filter(filter(directives).unwrap()));
            tracing::subscriber::with_default(subscriber, || {
                tracing::trace!(target: "h2::codec", "canary");
                tracing::debug!(target: "sqlx::query", "canary");
                let _span = tracing::debug_span!(target: "tonic", "x", header = "canary").entered();
                tracing::debug!(target: "anything", "canary");
                tracing::info!(target: "h2", "told");
                tracing::trace!(target: "roster_identity::op", "own words");
            });
            let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
            assert!(!log.contains("canary"), "{log}");
            assert!(log.contains("told") && log.contains("own words"), "{log}");
        }
    }
}
