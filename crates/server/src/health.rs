//! gRPC health (grpc.health.v1) that tells the truth.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use roster_kernel::Env;
use tonic::service::Routes;
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::Tasks;

/// How often the probes run.
const INTERVAL: Duration = Duration::from_secs(5);

/// Whether a part of the system works right now.
pub type Check = Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// What some gRPC services need in order to serve.
#[derive(Clone)]
pub struct Probe {
    /// The full names of the gRPC services.
    pub services: Vec<String>,
    /// Whether what they need works.
    pub check: Check,
}

impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probe").field("services", &self.services).finish_non_exhaustive()
    }
}

/// Starts watching and answers the health service. The state of the whole,
/// under the empty name, is serving while every service is. While tasks are
/// told to end, nothing is serving: a drain has begun.
pub async fn start(probes: Vec<Probe>, env: Env, tasks: &Tasks) -> Routes {
    let (reporter, service) = tonic_health::server::health_reporter();
    report(&reporter, &probes).await;
    let stop = tasks.token();
    tasks.spawn("health", async move {
        loop {
            tokio::select! {
                () = env.sleep(INTERVAL) => report(&reporter, &probes).await,
                () = stop.cancelled() => break,
            }
        }
        for name in probes.iter().flat_map(|probe| &probe.services) {
            reporter.set_service_status(name, ServingStatus::NotServing).await;
        }
        reporter.set_service_status("", ServingStatus::NotServing).await;
    });
    Routes::new(service)
}

async fn report(reporter: &HealthReporter, probes: &[Probe]) {
    let mut whole = ServingStatus::Serving;
    for probe in probes {
        let status = if (probe.check)().await {
            ServingStatus::Serving
        } else {
            whole = ServingStatus::NotServing;
            ServingStatus::NotServing
        };
        for name in &probe.services {
            reporter.set_service_status(name, status).await;
        }
    }
    reporter.set_service_status("", whole).await;
}
