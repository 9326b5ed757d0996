use std::{sync::atomic::Ordering, time::Duration};

use roster_proto::identity::v1::{
    DeleteUserRequest, DisableUserRequest, GetStatisticsRequest, Statistics,
};
use roster_testkit::eventually;
use tonic::Status;

use crate::{
    participant::Counts,
    world::{PASSWORD, Setup, World, fields, name, refusal, says},
};

async fn ask(world: &World, start_day: &str, end_day: &str) -> Result<Statistics, Status> {
    let request =
        GetStatisticsRequest { start_day: start_day.to_owned(), end_day: end_day.to_owned() };
    let answer = world.admin().get_statistics(says(&world.root, request)).await?;
    Ok(answer.into_inner().statistics.unwrap())
}

/// The days with their sign-ups and logins.
fn days(statistics: &Statistics) -> Vec<(&str, i64, i64)> {
    statistics.days.iter().map(|it| (it.day.as_str(), it.sign_up_count, it.login_count)).collect()
}

#[tokio::test]
async fn totals_follow_what_happens_to_users() {
    let world = World::new().await;
    let totals = |it: Statistics| (it.user_count, it.admin_count, it.disabled_count);
    assert_eq!(totals(ask(&world, "", "").await.unwrap()), (1, 1, 0));
    let (alice, _) = world.create_admin("alice").await;
    let bob = world.create("bob").await;
    world.create("carol").await;
    for user_id in [&alice.user_id, &bob.user_id] {
        let request = DisableUserRequest { user_id: user_id.clone(), ..Default::default() };
        world.admin().disable_user(says(&world.root, request)).await.unwrap();
    }
    assert_eq!(totals(ask(&world, "", "").await.unwrap()), (4, 2, 2));
    // Whoever is deleted is in none of them, whatever they were.
    for user_id in [alice.user_id, bob.user_id] {
        let request = DeleteUserRequest { user_id, ..Default::default() };
        world.admin().delete_user(says(&world.root, request)).await.unwrap();
    }
    assert_eq!(totals(ask(&world, "", "").await.unwrap()), (2, 1, 0));
}

#[tokio::test]
async fn sign_ups_and_logins_are_counted_on_the_day_they_happen() {
    let world = World::new().await;
    // The world begins on the first of January, with an administrator.
    world.create("alice").await;
    world.verify("alice", PASSWORD).await.unwrap();
    refusal(world.verify("alice", "a wrong password").await);
    world.clock.advance(Duration::from_hours(24) - Duration::from_secs(2));
    // The last second of that day, and the first of the next.
    world.verify("alice", PASSWORD).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    world.verify("alice", PASSWORD).await.unwrap();
    world.clock.advance(Duration::from_hours(48));
    world.create("bob").await;
    world.verify("bob", PASSWORD).await.unwrap();
    let request = world.state(&world.create("carol").await.user_id).await.user_id;
    let disable = DisableUserRequest { user_id: request, ..Default::default() };
    world.admin().disable_user(says(&world.root, disable)).await.unwrap();
    // A disabled user's password is right, and yet nobody signs in.
    world.verify("carol", PASSWORD).await.unwrap();

    let figures = ask(&world, "2026-01-01", "").await.unwrap();
    let expected =
        [("2026-01-01", 2, 2), ("2026-01-02", 0, 1), ("2026-01-03", 0, 0), ("2026-01-04", 2, 1)];
    assert_eq!(days(&figures), expected);
    assert_eq!(days(&ask(&world, "2026-01-02", "2026-01-03").await.unwrap()), expected[1..3]);
    let month = ask(&world, "", "").await.unwrap();
    assert_eq!(month.days.len(), 30);
    assert_eq!(days(&month)[26..], expected);
    assert_eq!(days(&month)[0], ("2025-12-06", 0, 0));
}

#[tokio::test]
async fn days_that_are_none_or_too_many_are_refused() {
    let world = World::new().await;
    for (start, end, field) in [
        ("2026-02-29", "", "start_day"),
        ("", "0000-01-01", "end_day"),
        ("2026-01-02", "2026-01-01", "end_day"),
        ("2026-01-02", "", "start_day"),
        ("2024-01-01", "2025-01-02", "end_day"),
        ("2024-01-01", "", "start_day"),
    ] {
        assert_eq!(fields(ask(&world, start, end).await), [field], "{start} to {end}");
    }
    assert_eq!(ask(&world, "2024-01-01", "2025-01-01").await.unwrap().days.len(), 367);
}

#[tokio::test]
async fn a_participant_that_does_not_answer_leaves_its_count_unset() {
    let sessions = Counts::of(&[("sessions", 30)]);
    let personas = Counts::of(&[("annotations", 700), ("personas", 70)]);
    let participants =
        vec![(name("session"), sessions.upstream()), (name("persona"), personas.upstream())];
    let world = World::with(Setup { participants, ..Setup::default() }).await;
    let counts = |it: &Statistics| (it.persona_count, it.active_session_count, it.api_key_count);
    let figures = ask(&world, "", "").await.unwrap();
    assert_eq!(counts(&figures), (Some(70), Some(30), Some(0)));

    personas.mute.store(true, Ordering::SeqCst);
    let patience = async {
        // Until it waits for nothing but the time.
        let due = world.env.now() + Duration::from_millis(500);
        eventually(async || world.clock.next_wake() <= Some(due)).await;
        world.clock.advance(Duration::from_millis(500));
    };
    let (figures, ()) = tokio::join!(ask(&world, "", ""), patience);
    let figures = figures.unwrap();
    assert_eq!(counts(&figures), (None, Some(30), Some(0)));
    assert_eq!(figures.user_count, 1);
}
