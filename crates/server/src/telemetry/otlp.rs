//! Sending to a collector: OTLP over gRPC.

use std::{fmt, sync::mpsc, time::Duration};

use opentelemetry::KeyValue;
use opentelemetry_otlp::{
    LogExporter, MetricExporter, SpanExporter, WithExportConfig as _, WithTonicConfig as _,
};
use opentelemetry_sdk::{Resource, error::OTelSdkResult};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};

use super::TelemetryError;

/// How long the end of the process waits for what is left to be sent, for each
/// kind.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// How long one export may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A collector, and as whom it is told things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpConfig {
    /// Its URL.
    pub endpoint: String,
    /// What is sent with each export.
    pub headers: OtlpHeaders,
    /// `service.instance.id`: tells this process from others of its kind.
    pub instance: String,
}

/// Headers such as `authorization=Bearer abc,x-tenant=roster`. What they hold
/// is secret: it is never shown.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OtlpHeaders(String);

impl fmt::Debug for OtlpHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OtlpHeaders(..)")
    }
}

impl OtlpHeaders {
    /// Says what is wrong with them, without repeating them.
    pub fn validate(&self) -> Result<(), &'static str> {
        self.metadata().map(drop)
    }

    fn metadata(&self) -> Result<MetadataMap, &'static str> {
        let mut metadata = MetadataMap::new();
        for header in self.0.split(',').map(str::trim).filter(|header| !header.is_empty()) {
            let (name, value) = header.split_once('=').ok_or("a header has no `=`")?;
            let name = AsciiMetadataKey::from_bytes(name.trim().to_ascii_lowercase().as_bytes());
            let value = AsciiMetadataValue::try_from(value.trim());
            let mut value = value.map_err(|_| "a header has a value that cannot be sent")?;
            value.set_sensitive(true);
            metadata.insert(name.map_err(|_| "a header has a name that is none")?, value);
        }
        Ok(metadata)
    }
}

/// Who sends.
pub(crate) fn resource(config: Option<&OtlpConfig>) -> Resource {
    let instance = config.map(|it| KeyValue::new("service.instance.id", it.instance.clone()));
    Resource::builder()
        .with_service_name("roster")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attributes(instance)
        .build()
}

macro_rules! exporter {
    ($exporter:ident, $config:expr) => {
        Ok($exporter::builder()
            .with_tonic()
            .with_endpoint(&$config.endpoint)
            .with_timeout(TIMEOUT)
            .with_metadata($config.headers.metadata().map_err(TelemetryError::Headers)?)
            .build()?)
    };
}

pub(super) fn traces(config: &OtlpConfig) -> Result<SpanExporter, TelemetryError> {
    exporter!(SpanExporter, config)
}

pub(super) fn logs(config: &OtlpConfig) -> Result<LogExporter, TelemetryError> {
    exporter!(LogExporter, config)
}

pub(crate) fn metrics(config: &OtlpConfig) -> Result<MetricExporter, TelemetryError> {
    exporter!(MetricExporter, config)
}

/// Says when the last of `what` could not be sent.
pub(crate) fn ended(what: &'static str, result: &OTelSdkResult) {
    if result.is_err() {
        tracing::warn!(what, "the last of what was recorded could not be sent");
    }
}

/// Does `work` that waits for exporters, away from the async threads: there
/// they would wait for themselves.
pub(crate) async fn finish(work: impl FnOnce() + Send + 'static) {
    if tokio::task::spawn_blocking(work).await.is_err() {
        tracing::warn!("the end of exporting panicked");
    }
}

/// The same where nobody can wait asynchronously. Blocks for three times
/// `PATIENCE` at the most, and needs another thread of the runtime to do the
/// sending.
pub(crate) fn finish_blocking(work: impl FnOnce() + Send + 'static) {
    let Ok(runtime) = Handle::try_current() else { return work() };
    let (done, wait) = mpsc::channel();
    runtime.spawn_blocking(move || {
        work();
        // Nobody listens any more where it took too long.
        let _late = done.send(());
    });
    let _too_long = wait.recv_timeout(PATIENCE * 3);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_and_never_shown() {
        let headers = OtlpHeaders("Authorization=Bearer a=b, x-tenant = roster,".to_owned());
        let metadata = headers.metadata().unwrap();
        assert_eq!(metadata.get("authorization").unwrap(), "Bearer a=b");
        assert_eq!(metadata.get("x-tenant").unwrap(), "roster");
        assert_eq!(metadata.len(), 2);
        assert!(!format!("{headers:?} {metadata:?}").contains("Bearer"));
        for (wrong, said) in [("secret", "no `=`"), ("a b=c", "name"), ("a=\u{7}", "value")] {
            let complaint = OtlpHeaders(wrong.to_owned()).validate().unwrap_err();
            assert!(complaint.contains(said) && !complaint.contains("secret"), "{complaint}");
        }
    }
}
