//! Whether services of other processes can do their work.

use std::collections::BTreeSet;

use roster_kernel::Caller;
use roster_server::{AccessTable, Level, Upstream, health::Probe};
use tonic::Request;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// What the way of events is called.
pub const BROKER: &str = "roster.events";

/// Asks the service of `package` behind `upstream`, as the gateway.
pub fn probe(access: &AccessTable, package: &str, upstream: &Upstream) -> Probe {
    let public = access.iter().filter(|(_, rule)| rule.level != Level::Internal);
    let services = public.filter_map(|(path, _)| path.strip_prefix('/')?.split_once('/'));
    let services: BTreeSet<_> = services
        .map(|(service, _)| service)
        .filter(|service| service.strip_prefix(package).is_some_and(|it| it.starts_with('.')))
        .map(str::to_owned)
        .collect();
    let health = HealthClient::new(upstream.clone());
    Probe::new(services, move || is_serving(health.clone(), ""))
}

/// Asks the service behind `upstream` whether events can be sent.
pub fn broker(upstream: &Upstream) -> Probe {
    let health = HealthClient::new(upstream.clone());
    Probe::aside(BROKER, move || is_serving(health.clone(), BROKER))
}

async fn is_serving(mut health: HealthClient<Upstream>, what: &str) -> bool {
    let mut request = Request::new(HealthCheckRequest { service: what.to_owned() });
    request.extensions_mut().insert(Caller::service(roster_peers::GATEWAY));
    let answer = health.check(request).await;
    answer.is_ok_and(|it| it.into_inner().status() == ServingStatus::Serving)
}
