//! `roster events`: what is not confirmed is shown, and published again.

mod postgres;

use std::{fs, process::Command, time::Duration};

use roster_proto::identity::v1::DisableUserRequest;
use roster_testkit::eventually;
use tonic::Code;

use crate::{
    binary::{self, Ended, command},
    client::{Client, reason},
    database,
    world::World,
};

/// `roster events` on the installation of `world`, beside what serves.
fn events(world: &World, arguments: &[&str]) -> Ended {
    let folder = world.config.data_dir.parent().unwrap();
    let settings = folder.join("roster.toml");
    fs::write(&settings, toml::to_string(&world.settings()).unwrap()).unwrap();
    let mut events = Command::new(env!("CARGO_BIN_EXE_roster"));
    events.env_clear().current_dir(folder).arg("--config").arg(settings);
    events.arg("events").args(arguments);
    binary::run(events)
}

fn said(ended: &Ended) -> Vec<&str> {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout.lines().collect()
}

/// Somebody is disabled, and no service hears of it.
async fn unheard(world: &World) -> Client {
    let person = world.create_signed_in("person").await;
    world.settle().await;
    world.suite.hold_events().await;
    let disable = DisableUserRequest { user_id: person.user_id.clone(), ..Default::default() };
    let answer = world.drive(world.admin.users().disable_user(disable)).await;
    assert_eq!(reason(answer), (Code::Unavailable, "EFFECT_PENDING".to_owned()));
    person
}

async fn what_waits_is_shown_and_retried(world: World) {
    assert_eq!(said(&events(&world, &["list"])), ["no event waits"]);
    let person = unheard(&world).await;
    let ended = events(&world, &["list"]);
    let [event, times, persona, session] = said(&ended).try_into().unwrap();
    let (id, rest) = event.split_once(' ').unwrap();
    assert_eq!(rest, format!("UserStateChanged of user {}", person.user_id));
    // By the clock of the process, which is not that of the tests.
    assert!(times.starts_with("  announced ") && times.contains(" days ago, published "));
    assert_eq!([persona, session], ["  persona: no receipt", "  session: no receipt"]);
    assert_eq!(said(&events(&world, &["list", "--parked"])), ["no event is parked"]);

    let park = "update outbox_event set attempts = 10 where retired_at is null";
    database::execute_in(&world.tables("identity"), park).await;
    let fail = "update outbox_delivery set failures = 3, failure = 'no room to write' \
                where consumer = 'session' and completed_at is null";
    database::execute_in(&world.tables("identity"), fail).await;
    let ended = events(&world, &["list", "--parked"]);
    let lines = said(&ended);
    assert!(lines[0].starts_with(id) && lines[1].ends_with("published 10 times, parked"));
    assert_eq!(lines[3], "  session: no receipt, failed 3 times: no room to write");
    for personal in ["person\n", "A person"] {
        assert!(!ended.stdout.contains(personal), "{}", ended.stdout);
    }

    for (arguments, complaint) in [
        (vec!["retry"], "--all"),
        (vec!["retry", "nonsense"], "no id of an event"),
        (vec!["retry", person.user_id.as_str()], "waits to be confirmed"),
    ] {
        let ended = events(&world, &arguments);
        assert_ne!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stderr.contains(complaint), "{}", ended.stderr);
    }
    let again = ["1 events are published again within seconds"];
    assert_eq!(said(&events(&world, &["retry", id])), again);
    assert_eq!(said(&events(&world, &["list", "--parked"])), ["no event is parked"]);
    database::execute_in(&world.tables("identity"), park).await;
    assert_eq!(said(&events(&world, &["retry", "--all"])), again);
    world.suite.release_events().await;
    // The process has written its own time, which is ahead.
    world.clock.advance(Duration::from_hours(24 * 365 * 100));
    let waiting = "select count(*) from outbox_event where retired_at is null";
    eventually(async || database::count_of(&world.tables("identity"), waiting).await == 0).await;
    assert_eq!(said(&events(&world, &["list"])), ["no event waits"]);
    let heard = "select count(*) from subject where state = 'disabled'";
    assert_eq!(database::count_of(&world.tables("session"), heard).await, 1);
    let noted = "select count(*) from audit_event where method = 'roster.identity/RetryEvents'";
    assert_eq!(database::count_of(&world.tables("identity"), noted).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_confirmed_can_be_seen_and_published_again() {
    what_waits_is_shown_and_retried(World::new().await).await;
}

#[test]
fn a_mistyped_path_is_no_new_installation() {
    let folder = tempfile::tempdir().unwrap();
    let mut events = command(folder.path());
    events.args(["events", "list"]);
    let ended = binary::run(events);
    assert!(ended.code == Some(1) && ended.stderr.contains("there is no data"), "{ended:?}");
    assert!(!folder.path().join("data").exists());
}
