//! Logs and traces, for the process as a whole.

use std::{collections::HashMap, io::IsTerminal, sync::mpsc, time::Duration};

use opentelemetry::{
    global,
    propagation::TextMapPropagator,
    trace::{TraceContextExt, TracerProvider},
};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{
    EnvFilter, Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt,
};

const TRACEPARENT: &str = "traceparent";

/// How long the end of the process waits for the last traces to be sent.
const PATIENCE: Duration = Duration::from_secs(5);

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
    /// Where traces go, as OTLP over gRPC; nowhere when absent.
    pub otlp_endpoint: Option<String>,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be read.
    #[error("log.filter is not valid")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The exporter cannot be built.
    #[error("telemetry.otlp_endpoint is not usable")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// It is set up already.
    #[error("telemetry is set up already")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Sends what has been recorded when the process ends.
#[derive(Debug)]
pub struct TelemetryGuard {
    provider: Option<SdkTracerProvider>,
}

impl TelemetryGuard {
    /// Sends what is left.
    pub async fn flush(mut self) {
        let Some(provider) = self.provider.take() else { return };
        // On an async thread the exporter would wait for itself.
        let ended = tokio::task::spawn_blocking(move || send_rest(&provider)).await;
        if ended.is_err() {
            tracing::warn!("the last traces could not be sent");
        }
    }
}

impl Drop for TelemetryGuard {
    /// Sends what is left when nobody has flushed. Blocks for
    /// `PATIENCE` at the most, and needs another thread of the runtime to
    /// do the sending.
    fn drop(&mut self) {
        let Some(provider) = self.provider.take() else { return };
        let Ok(runtime) = Handle::try_current() else { return send_rest(&provider) };
        let (sent, wait) = mpsc::channel();
        runtime.spawn_blocking(move || {
            send_rest(&provider);
            // Nobody listens any more where it took too long.
            let _late = sent.send(());
        });
        let _too_long = wait.recv_timeout(PATIENCE);
    }
}

fn send_rest(provider: &SdkTracerProvider) {
    if provider.shutdown_with_timeout(PATIENCE).is_err() {
        tracing::warn!("the last traces could not be sent");
    }
}

/// Sets up logs, to standard error, and traces.
pub fn init(config: &TelemetryConfig) -> Result<TelemetryGuard, TelemetryError> {
    let filter = EnvFilter::try_new(&config.filter)?;
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match config.format {
        LogFormat::Text => lines.with_filter(filter).boxed(),
        LogFormat::Json => lines.json().with_filter(filter).boxed(),
    };
    let provider = config.otlp_endpoint.as_deref().map(exporter).transpose()?;
    let traces = provider.as_ref().map(|provider| {
        let tracer = provider.tracer("roster");
        tracing_opentelemetry::layer().with_tracer(tracer).with_filter(EnvFilter::new("info"))
    });
    tracing_subscriber::registry().with(lines).with(traces).try_init()?;
    global::set_text_map_propagator(TraceContextPropagator::new());
    Ok(TelemetryGuard { provider })
}

fn exporter(endpoint: &str) -> Result<SdkTracerProvider, TelemetryError> {
    let exporter =
        opentelemetry_otlp::SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name("roster").build())
        .build())
}

/// The current span as a W3C `traceparent`, if it is part of a trace.
#[must_use]
pub fn traceparent() -> Option<String> {
    let context = Span::current().context();
    if !context.span().span_context().is_valid() {
        return None;
    }
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Makes `span` part of the trace that `traceparent` names. A malformed one
/// is ignored.
pub fn continue_trace(span: &Span, traceparent: &str) {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract(&carrier);
    // Fails only where no trace is recorded at all.
    let _not_recorded = span.set_parent(context);
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_trace_goes_on_behind_a_traceparent() {
        let provider = SdkTracerProvider::builder().build();
        let traces = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let subscriber = tracing_subscriber::registry().with(traces);
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("work");
            continue_trace(&span, PARENT);
            let _entered = span.enter();
            let own = traceparent().unwrap();
            assert_eq!(own[..36], PARENT[..36]);
            assert_ne!(own, PARENT);
        });
    }

    #[test]
    fn a_malformed_traceparent_is_ignored() {
        let provider = SdkTracerProvider::builder().build();
        let traces = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let subscriber = tracing_subscriber::registry().with(traces);
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("work");
            continue_trace(&span, "00-rubbish");
            let _entered = span.enter();
            assert!(traceparent().is_some());
        });
    }

    #[test]
    fn without_traces_there_is_no_traceparent() {
        let span = tracing::info_span!("work");
        continue_trace(&span, PARENT);
        let _entered = span.enter();
        assert_eq!(traceparent(), None);
    }
}
