//! Health that tells the truth.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use roster_kernel::Timestamp;
use roster_server::{
    Tasks, Upstream,
    health::{Probe, start},
};
use roster_testkit::{MockClock, env};
use tonic::{Code, Streaming};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_client::HealthClient,
};

use crate::world::eventually;

struct Watched {
    clock: Arc<MockClock>,
    works: Arc<AtomicBool>,
    tasks: Tasks,
    client: HealthClient<Upstream>,
}

impl Watched {
    async fn new() -> Self {
        let (clock, env) = env(1);
        let works = Arc::new(AtomicBool::new(true));
        let tasks = Tasks::new();
        let told = Arc::clone(&works);
        let told = move || {
            let works = told.load(Ordering::Relaxed);
            async move { works }
        };
        let probes =
            vec![Probe::new(["told", "too"], told), Probe::new(["always"], || async { true })];
        let routes = start(probes, env, &tasks).await;
        let client = HealthClient::new(Upstream::from(routes));
        Self { clock, works, tasks, client }
    }

    async fn status(&self, service: &str) -> ServingStatus {
        let request = HealthCheckRequest { service: service.to_owned() };
        self.client.clone().check(request).await.unwrap().into_inner().status()
    }

    async fn watch(&self) -> Streaming<HealthCheckResponse> {
        let request = HealthCheckRequest::default();
        self.client.clone().watch(request).await.unwrap().into_inner()
    }

    /// Lets the time of the next probe come.
    async fn next_probe(&self) {
        let mut at: Option<Timestamp> = None;
        eventually(async || {
            at = self.clock.next_wake();
            at.is_some()
        })
        .await;
        self.clock.advance(Duration::from_secs(5));
    }
}

async fn next(stream: &mut Streaming<HealthCheckResponse>) -> ServingStatus {
    stream.message().await.unwrap().unwrap().status()
}

#[tokio::test]
async fn what_does_not_work_is_shown_and_the_whole_with_it() {
    let watched = Watched::new().await;
    let mut whole = watched.watch().await;
    assert_eq!(next(&mut whole).await, ServingStatus::Serving);
    watched.works.store(false, Ordering::Relaxed);
    watched.next_probe().await;
    assert_eq!(next(&mut whole).await, ServingStatus::NotServing);
    assert_eq!(watched.status("told").await, ServingStatus::NotServing);
    assert_eq!(watched.status("too").await, ServingStatus::NotServing);
    assert_eq!(watched.status("always").await, ServingStatus::Serving);
    watched.works.store(true, Ordering::Relaxed);
    watched.next_probe().await;
    assert_eq!(next(&mut whole).await, ServingStatus::Serving);
    assert_eq!(watched.status("told").await, ServingStatus::Serving);
}

#[tokio::test]
async fn during_a_drain_nothing_serves() {
    let watched = Watched::new().await;
    watched.tasks.shutdown().await;
    for service in ["", "told", "always"] {
        assert_eq!(watched.status(service).await, ServingStatus::NotServing);
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_has_no_state() {
    let watched = Watched::new().await;
    let request = HealthCheckRequest { service: "nobody".to_owned() };
    let status = watched.client.clone().check(request).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}

#[tokio::test]
async fn a_probe_that_hangs_has_failed() {
    let (clock, env) = env(1);
    let tasks = Tasks::new();
    let probes = vec![Probe::new(["stuck"], std::future::pending)];
    let started = start(probes, env, &tasks);
    let meanwhile = async {
        eventually(async || clock.next_wake().is_some()).await;
        clock.advance(Duration::from_secs(2));
    };
    let (routes, ()) = tokio::join!(started, meanwhile);
    let request = HealthCheckRequest { service: "stuck".to_owned() };
    let answer = HealthClient::new(Upstream::from(routes)).check(request).await.unwrap();
    assert_eq!(answer.into_inner().status(), ServingStatus::NotServing);
}

#[tokio::test]
async fn what_is_not_vital_is_shown_and_takes_nothing_down() {
    let (_clock, env) = env(1);
    let tasks = Tasks::new();
    let probes =
        vec![Probe::new(["main"], || async { true }), Probe::aside("events", || async { false })];
    let health = HealthClient::new(Upstream::from(start(probes, env, &tasks).await));
    for (service, expected) in [
        ("events", ServingStatus::NotServing),
        ("main", ServingStatus::Serving),
        ("", ServingStatus::Serving),
    ] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = health.clone().check(request).await.unwrap();
        assert_eq!(answer.into_inner().status(), expected, "{service}");
    }
}
