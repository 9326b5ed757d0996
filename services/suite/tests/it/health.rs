//! Health, as a load balancer asks for it.

use std::time::Duration;

use roster_testkit::eventually;
use tempfile::tempdir;
use tonic::{
    Code, Status, Streaming,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse,
    health_check_response::ServingStatus::{self, NotServing, Serving},
    health_client::HealthClient,
};

use crate::{
    binary::{self, PATIENCE, Roster},
    database,
    world::World,
};

const SERVICES: [&str; 6] = [
    "roster.identity.v1.UserAdminService",
    "roster.identity.v1.AccountService",
    "roster.session.v1.SessionService",
    "roster.session.v1.SessionAdminService",
    "roster.persona.v1.PersonaService",
    "roster.persona.v1.PersonaAdminService",
];

/// The name of the whole, by gRPC's convention.
const WHOLE: &str = "";

async fn connect(world: &World) -> HealthClient<Channel> {
    let address = format!("http://{}", world.suite.address());
    HealthClient::new(Endpoint::from_shared(address).unwrap().connect().await.unwrap())
}

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

async fn check(client: &HealthClient<Channel>, service: &str) -> Result<ServingStatus, Status> {
    Ok(client.clone().check(of(service)).await?.into_inner().status())
}

/// Whether the whole is said to serve, after the time in which it is looked.
pub async fn is_serving(world: &World) -> bool {
    let client = connect(world).await;
    let mut watched = client.clone().watch(of(WHOLE)).await.unwrap().into_inner();
    let now = next(&mut watched).await;
    world.clock.advance(Duration::from_secs(5));
    let later = tokio::time::timeout(Duration::from_secs(3), watched.message()).await;
    let later = later.map(|message| message.unwrap().map(|it| it.status()));
    later.unwrap_or(now) == Some(Serving)
}

async fn next(watched: &mut Streaming<HealthCheckResponse>) -> Option<ServingStatus> {
    let message = tokio::time::timeout(PATIENCE, watched.message()).await.expect("news");
    message.unwrap().map(|it| it.status())
}

#[tokio::test]
async fn each_service_that_serves_says_so() {
    let world = World::new().await;
    let client = connect(&world).await;
    for service in SERVICES.into_iter().chain([WHOLE]) {
        assert_eq!(check(&client, service).await.unwrap(), Serving, "{service}");
    }
}

#[tokio::test]
async fn what_nobody_can_call_has_no_health() {
    let world = World::new().await;
    let client = connect(&world).await;
    for service in [
        "roster.identity.v1.NobodyService",
        "roster.identity.v1.CredentialService",
        "roster.session.v1.AuthenticationService",
    ] {
        let refused = check(&client, service).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound, "{service}");
    }
}

#[tokio::test]
async fn a_service_whose_database_fails_serves_no_more_until_it_is_back() {
    let world = World::new().await;
    let client = connect(&world).await;
    let mut watched = client.clone().watch(of(WHOLE)).await.unwrap().into_inner();
    assert_eq!(next(&mut watched).await, Some(Serving));

    let tables = world.tables("session");
    database::execute_in(&tables, "ALTER TABLE seaql_migrations RENAME TO lost").await;
    // Longer than any call lasts: watching is not cut off.
    world.clock.advance(Duration::from_mins(5));
    becomes(&world, &mut watched, NotServing).await;
    all_say(
        &world,
        &client,
        |service| {
            if service.contains(".session.") { NotServing } else { Serving }
        },
    )
    .await;

    database::execute_in(&tables, "ALTER TABLE lost RENAME TO seaql_migrations").await;
    becomes(&world, &mut watched, Serving).await;
    all_say(&world, &client, |_| Serving).await;
}

/// How often is looked, and how long a look takes at the most, in real time: where
/// services run apart, each looks at itself, and the edge at all of them.
const LOOK: Duration = Duration::from_secs(5);
const LOOKING: Duration = Duration::from_millis(200);

/// Lets time pass until those who watch the whole are told what it has to be.
async fn becomes(
    world: &World,
    watched: &mut Streaming<HealthCheckResponse>,
    expected: ServingStatus,
) {
    let told = async {
        loop {
            world.clock.advance(LOOK);
            if let Ok(news) = tokio::time::timeout(LOOKING, watched.message()).await
                && news.unwrap().map(|it| it.status()) == Some(expected)
            {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("news");
}

/// Lets time pass until each service is said to be what it is.
async fn all_say(
    world: &World,
    client: &HealthClient<Channel>,
    expected: impl Fn(&str) -> ServingStatus,
) {
    eventually(async || {
        let mut as_expected = true;
        for service in SERVICES {
            as_expected &= check(client, service).await.unwrap() == expected(service);
        }
        if !as_expected {
            world.clock.advance(LOOK);
            let _elapsed = tokio::time::timeout(LOOKING, std::future::pending::<()>()).await;
        }
        as_expected
    })
    .await;
}

/// Also that whoever watches does not hold the process up: it ends well before
/// the 30 seconds that a drain may take.
#[tokio::test]
async fn who_watches_is_told_of_a_drain_and_let_go() {
    let folder = tempdir().unwrap();
    let mut roster = Roster::start(binary::command(folder.path()));
    let mut client = HealthClient::new(roster.channel().await);
    let mut whole = client.watch(of(WHOLE)).await.unwrap().into_inner();
    let mut one = client.watch(of(SERVICES[0])).await.unwrap().into_inner();
    assert_eq!(next(&mut whole).await, Some(Serving));
    assert_eq!(next(&mut one).await, Some(Serving));
    roster.signal("TERM");
    for watched in [&mut whole, &mut one] {
        assert_eq!(next(watched).await, Some(NotServing));
        assert_eq!(next(watched).await, None);
    }
    let ended = roster.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("connections were cut"), "{}", ended.stderr);
}
