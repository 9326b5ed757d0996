use std::{sync::Arc, time::Duration};

use roster_kernel::{Env, RequestId};
use roster_proto::persona::v1::{CreatePersonaRequest, ListPersonasRequest, UpdatePersonaRequest};
use roster_testkit::{StopAt, eventually};
use sea_orm::{ConnectionTrait, Statement};
use tonic::Code;

use crate::harness::{World, done, erased, named, refusal, user_id};

/// How many rows of a table there are.
async fn rows(world: &World, table: &str) -> i64 {
    let connection = world.db.db.read();
    let count = format!("SELECT COUNT(*) AS rows FROM {table}");
    let statement = Statement::from_string(connection.get_database_backend(), count);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get("", "rows").unwrap()
}

#[tokio::test]
async fn personas_are_counted_for_each_user() {
    let world = World::new().await;
    let (one, two, none) = (world.user(), world.admin(), world.user());
    world.create(&one, "Persona").await;
    for _ in 0..2 {
        let hidden = roster_proto::persona::v1::Persona { hidden: Some(true), ..named("Hidden") };
        world.create_with(&two, hidden).await;
    }
    assert_eq!(world.counts(&[&two, &none, &one]).await, [2, 0, 1]);
}

#[tokio::test]
async fn a_deletion_erases_the_users_personas_and_says_how_many() {
    let world = World::new().await;
    let (user, other) = (world.user(), world.user());
    for name in ["One", "Two", "Three"] {
        world.create(&user, name).await;
        world.create(&other, name).await;
    }
    assert_eq!(world.delete_user(&user).await, erased(0, 0, 3));
    assert_eq!(world.counts(&[&user, &other]).await, [0, 3]);
    // A user who had nothing, and one who was never heard of.
    assert_eq!(world.delete_user(&world.user()).await, erased(0, 0, 0));
}

#[tokio::test]
async fn no_kept_answer_outlives_its_user() {
    let world = World::new().await;
    let (user, other) = (world.user(), world.user());
    for caller in [&user, &other] {
        let request = CreatePersonaRequest {
            persona: Some(named("Ecologist")),
            request_id: RequestId::generate(&world.env).to_string(),
        };
        world.personas(caller).create_persona(request).await.unwrap();
    }
    assert_eq!(rows(&world, "replay").await, 2);
    world.delete_user(&user).await;
    assert_eq!(rows(&world, "replay").await, 1);
}

#[tokio::test]
async fn every_change_is_on_the_audit_trail_and_nothing_else_is() {
    let world = World::new().await;
    let user = world.user();
    let created = world.create(&user, "Ecologist").await;
    let request = UpdatePersonaRequest {
        persona_id: created.persona_id.clone(),
        persona: Some(named("New")),
        ..Default::default()
    };
    for _ in 0..2 {
        world.personas(&user).update_persona(request.clone()).await.unwrap();
    }
    world.personas(&user).list_personas(ListPersonasRequest::default()).await.unwrap();
    let connection = world.db.db.read();
    let statement = Statement::from_string(
        connection.get_database_backend(),
        "SELECT actor_id, method, target, CAST(fields AS TEXT) AS fields FROM audit_event ORDER BY id",
    );
    let trail = connection.query_all_raw(statement).await.unwrap();
    let text = |row: &sea_orm::QueryResult, column| row.try_get::<String>("", column).unwrap();
    let trail: Vec<_> =
        trail.iter().map(|row| (text(row, "method"), text(row, "fields"))).collect();
    let method = |name: &str| format!("roster.persona.v1.PersonaService/{name}");
    let mut expected = [(method("CreatePersona"), "[]"), (method("UpdatePersona"), r#"["name"]"#)];
    let mut found: Vec<_> =
        trail.iter().map(|(method, fields)| (method.clone(), fields.as_str())).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_large_erasure_is_done_in_batches_and_goes_on_after_a_crash() {
    let world = World::new().await;
    let user = world.user();
    for _ in 0..1_100 {
        world.create(&user, "Persona").await;
    }
    let env = world.env.clone();
    let stop = Arc::new(StopAt::new("erasure.batch", 1));
    let world = world.restart(Env { steps: Some(stop.clone()), ..env.clone() }).await;
    world.announce_deletion(&user).await;
    stop.stopped().await;
    assert_eq!(world.counts(&[&user]).await, [100], "two batches of 500 are gone");
    // The mark came first: nothing is added to what is being erased.
    let request = CreatePersonaRequest { persona: Some(named("Late")), request_id: String::new() };
    let answer = world.personas(&user).create_persona(request).await;
    assert_eq!(refusal(answer), (Code::Unauthenticated, "TOKEN_INVALID".to_owned()));

    let world = world.restart(env).await;
    // One receipt tells of both lives, and a repetition tells the same.
    for _ in 0..2 {
        assert_eq!(world.delete_user(&user).await, erased(0, 0, 1_100));
    }
    assert_eq!(rows(&world, "persona").await, 0);
}

#[tokio::test]
async fn an_answer_kept_between_two_batches_goes_too() {
    let world = World::new().await;
    let user = world.user();
    let mut last = String::new();
    for _ in 0..501 {
        last = world.create(&user, "Persona").await.persona_id;
    }
    let env = world.env.clone();
    let stop = Arc::new(StopAt::new("erasure.batch", 0));
    let world = world.restart(Env { steps: Some(stop.clone()), ..env.clone() }).await;
    world.announce_deletion(&user).await;
    stop.stopped().await;
    // Somebody whose call was under way changes a persona that is left.
    let request = ListPersonasRequest { page_size: 200, ..Default::default() };
    let left = world.personas(&user).list_personas(request).await.unwrap().into_inner().personas;
    assert_eq!(left.len(), 1, "{last}");
    let request = UpdatePersonaRequest {
        persona_id: left[0].persona_id.clone(),
        persona: Some(named("Still here")),
        request_id: RequestId::generate(&env).to_string(),
        ..Default::default()
    };
    world.personas(&user).update_persona(request).await.unwrap();
    assert_eq!(rows(&world, "replay").await, 1);

    let world = world.restart(env).await;
    let mut receipts = world.receipts().await;
    world.announce_deletion(&user).await;
    assert_eq!(done(&mut *receipts).await, erased(0, 0, 501));
    assert_eq!(rows(&world, "replay").await, 0);
}

#[tokio::test]
async fn old_answers_are_swept_away() {
    let world = World::new().await;
    let user = world.user();
    let request = CreatePersonaRequest {
        persona: Some(named("Ecologist")),
        request_id: RequestId::generate(&world.env).to_string(),
    };
    world.personas(&user).create_persona(request).await.unwrap();
    assert_eq!(rows(&world, "replay").await, 1);
    eventually(async || {
        world.clock.advance(Duration::from_hours(1));
        rows(&world, "replay").await == 0
    })
    .await;
    assert!(world.env.now() - roster_testkit::epoch() >= roster_db::replay::KEPT_FOR);
    assert_eq!(world.counts(&[&user]).await, [1], "{}", user_id(&user));
}
