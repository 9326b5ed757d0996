//! A collector that keeps what it is sent.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Instant,
};

use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::{
            ExportLogsServiceRequest, ExportLogsServiceResponse,
            logs_service_server::{LogsService, LogsServiceServer},
        },
        metrics::v1::{
            ExportMetricsServiceRequest, ExportMetricsServiceResponse,
            metrics_service_server::{MetricsService, MetricsServiceServer},
        },
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server::{TraceService, TraceServiceServer},
        },
    },
    common::v1::{KeyValue, any_value::Value},
    logs::v1::LogRecord,
    metrics::v1::Metric,
    resource::v1::Resource,
    trace::v1::Span,
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::Notify,
};
use tonic::{
    Request, Response, Status,
    transport::{Server, server::TcpIncoming},
};

use crate::binary::PATIENCE;

/// Everything that was sent.
#[derive(Default)]
pub struct Received {
    pub spans: Vec<Span>,
    pub metrics: Vec<Metric>,
    pub logs: Vec<LogRecord>,
    pub resources: Vec<Resource>,
    pub authorizations: Vec<String>,
}

impl Received {
    /// The spans of one trace, by the names that they have.
    pub fn trace(&self, trace_id: &[u8]) -> Vec<&Span> {
        self.spans.iter().filter(|span| span.trace_id == trace_id).collect()
    }
}

/// The attributes of anything, as text.
pub fn attributes(attributes: &[KeyValue]) -> HashMap<&str, String> {
    let text = |value: &Value| {
        if let Value::StringValue(text) = value { text.clone() } else { format!("{value:?}") }
    };
    let value = |it: &KeyValue| it.value.as_ref()?.value.as_ref().map(text);
    attributes.iter().filter_map(|it| Some((it.key.as_str(), value(it)?))).collect()
}

#[derive(Clone, Default)]
struct Store {
    received: Arc<Mutex<Received>>,
    changed: Arc<Notify>,
}

impl Store {
    fn take<T>(&self, request: &Request<T>, take: impl FnOnce(&mut Received)) {
        let mut received = self.received.lock().unwrap();
        let header = request.metadata().get("authorization");
        received.authorizations.extend(header.map(|it| it.to_str().unwrap().to_owned()));
        take(&mut received);
        drop(received);
        self.changed.notify_one();
    }
}

/// A running collector.
pub struct Collector {
    address: SocketAddr,
    store: Store,
    /// Its own, so that its connections end with it.
    runtime: Runtime,
}

impl Collector {
    pub fn start() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let incoming = {
            let _within = runtime.enter();
            TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap()
        };
        let address = incoming.local_addr().unwrap();
        let store = Store::default();
        let server = Server::builder()
            .add_service(TraceServiceServer::new(store.clone()))
            .add_service(MetricsServiceServer::new(store.clone()))
            .add_service(LogsServiceServer::new(store.clone()));
        runtime.spawn(server.serve_with_incoming(incoming));
        Self { address, store, runtime }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has been received, to be looked at.
    pub fn with<T>(&self, look: impl FnOnce(&Received) -> T) -> T {
        look(&self.store.received.lock().unwrap())
    }

    /// Waits until what has been received is enough.
    pub async fn until(&self, what: &str, enough: impl Fn(&Received) -> bool) {
        let begun = Instant::now();
        while !self.with(&enough) {
            let left = PATIENCE.saturating_sub(begun.elapsed());
            let changed = tokio::time::timeout(left, self.store.changed.notified()).await;
            assert!(changed.is_ok(), "the collector did not get {what}");
        }
    }

    /// Ends the collector with all its connections.
    pub fn end(self) {
        self.runtime.shutdown_background();
    }
}

#[tonic::async_trait]
impl TraceService for Store {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.take(&request, |received| {
            for spans in &request.get_ref().resource_spans {
                received.resources.extend(spans.resource.clone());
                received
                    .spans
                    .extend(spans.scope_spans.iter().flat_map(|scope| scope.spans.clone()));
            }
        });
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Store {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.take(&request, |received| {
            for metrics in &request.get_ref().resource_metrics {
                received.resources.extend(metrics.resource.clone());
                received
                    .metrics
                    .extend(metrics.scope_metrics.iter().flat_map(|scope| scope.metrics.clone()));
            }
        });
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl LogsService for Store {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.take(&request, |received| {
            for logs in &request.get_ref().resource_logs {
                received.resources.extend(logs.resource.clone());
                received
                    .logs
                    .extend(logs.scope_logs.iter().flat_map(|scope| scope.log_records.clone()));
            }
        });
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}
