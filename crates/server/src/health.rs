//! gRPC health (grpc.health.v1) that tells the truth.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, join_all};
use roster_kernel::Env;
use tonic::service::Routes;
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::{Tasks, malformed};

/// How often the probes run.
const INTERVAL: Duration = Duration::from_secs(5);

/// How long a probe may take; one that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(2);

/// The name of the state of the whole, by gRPC's convention.
const WHOLE: &str = "";

/// Whether a part of the system works right now.
pub type Check = Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// What some gRPC services need in order to serve.
#[derive(Clone)]
pub struct Probe {
    /// The full names of the gRPC services.
    pub services: Vec<String>,
    /// Whether what they need works.
    pub check: Check,
    /// Whether the whole works only if this does.
    pub vital: bool,
}

impl Probe {
    /// Whether `services` work, without which the whole does not.
    pub fn new<F>(
        services: impl IntoIterator<Item = impl Into<String>>,
        check: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        let services = services.into_iter().map(Into::into).collect();
        Self { services, check: Arc::new(move || Box::pin(check())), vital: true }
    }

    /// Whether `part` works, which is shown beside the services: nobody is to
    /// be sent elsewhere for it.
    pub fn aside<F>(part: &str, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        Self { vital: false, ..Self::new([part], check) }
    }
}

impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probe").field("services", &self.services).finish_non_exhaustive()
    }
}

/// Starts watching and answers the health service. The state of the whole,
/// under the empty name, is serving while every vital probe succeeds. While tasks are
/// told to end, nothing is serving: a drain has begun.
pub async fn start(probes: Vec<Probe>, env: Env, tasks: &Tasks) -> Routes {
    let (reporter, service) = tonic_health::server::health_reporter();
    let mut board = Board { reporter, shown: HashMap::new() };
    board.show(&examine(&probes, &env).await).await;
    let stop = tasks.token();
    tasks.spawn("health", async move {
        loop {
            tokio::select! {
                () = env.sleep(INTERVAL) => board.show(&examine(&probes, &env).await).await,
                () = stop.cancelled() => break,
            }
        }
        board.clear().await;
    });
    malformed::guarded(Routes::new(service))
}

/// Runs the probes, all at once, and says of every service whether it works.
async fn examine(probes: &[Probe], env: &Env) -> Vec<(String, bool)> {
    let works = join_all(probes.iter().map(|probe| works(probe, env))).await;
    let whole = probes.iter().zip(&works).all(|(probe, works)| *works || !probe.vital);
    let services = probes.iter().zip(works).flat_map(|(probe, works)| {
        probe.services.iter().map(move |service| (service.clone(), works))
    });
    services.chain([(WHOLE.to_owned(), whole)]).collect()
}

async fn works(probe: &Probe, env: &Env) -> bool {
    tokio::select! {
        works = (probe.check)() => works,
        () = env.sleep(PATIENCE) => false,
    }
}

/// What clients get to see.
struct Board {
    reporter: HealthReporter,
    shown: HashMap<String, bool>,
}

impl Board {
    /// Shows states that have changed; whoever watches is told of changes
    /// only.
    async fn show(&mut self, states: &[(String, bool)]) {
        for (service, serving) in states {
            let before = self.shown.insert(service.clone(), *serving);
            if before == Some(*serving) {
                continue;
            }
            match (before, serving) {
                (_, false) => tracing::warn!(rpc.service = service, "not serving"),
                (Some(false), true) => tracing::info!(rpc.service = service, "serving again"),
                (None | Some(true), true) => {}
            }
            let shown = if *serving { ServingStatus::Serving } else { ServingStatus::NotServing };
            self.reporter.set_service_status(service, shown).await;
        }
    }

    /// Says of everything that it serves no more, and ends the streams of
    /// those who watch: they would keep a drain waiting for as long as it can
    /// wait.
    async fn clear(&mut self) {
        for service in self.shown.keys() {
            self.reporter.set_service_status(service, ServingStatus::NotServing).await;
            self.reporter.clear_service_status(service).await;
            // For those who ask from now on.
            self.reporter.set_service_status(service, ServingStatus::NotServing).await;
        }
    }
}
