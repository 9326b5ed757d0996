//! The life of a deletion under everything that can go wrong.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use roster_proto::{
    identity::v1::{
        DeleteUserRequest, Deletion, DeletionState, DisableUserRequest, GetDeletionRequest,
        GetUserRequest, ListDeletionsRequest, ListUsersRequest, ReceiptState, RetryDeletionRequest,
        UpdateUserRequest,
    },
    persona::v1::{CreatePersonaRequest, Persona},
    session::v1::ListSessionsRequest,
};
use roster_testkit::{StopAt, eventually};
use tokio::task::JoinSet;
use tonic::Code;

use crate::{
    client::{Client, reason},
    database, restore, rotate_keys,
    world::World,
};

fn delete(user_id: &str) -> DeleteUserRequest {
    DeleteUserRequest { user_id: user_id.to_owned(), ..DeleteUserRequest::default() }
}

async fn create_personas(client: &Client, count: usize) {
    for number in 0..count {
        let persona = Persona { name: Some(format!("Persona {number}")), ..Persona::default() };
        let request = CreatePersonaRequest { persona: Some(persona), ..Default::default() };
        client.personas().create_persona(request).await.unwrap();
    }
}

pub async fn deletions(world: &World) -> Vec<Deletion> {
    let request = ListDeletionsRequest::default();
    world.admin.users().list_deletions(request).await.unwrap().into_inner().deletions
}

/// Lets time pass until every deletion is complete.
pub async fn converge(world: &World) {
    for step in 0..100 {
        world.settle().await;
        let all = deletions(world).await;
        if all.iter().all(|it| it.state() == DeletionState::Complete) {
            return;
        }
        // What is parked is tried hourly, and may be lost again.
        let next = if step < 30 { Duration::from_mins(1) } else { Duration::from_hours(1) };
        world.clock.advance(next);
    }
    panic!("deletions that do not complete: {:#?}", deletions(world).await);
}

/// Rows that should not be there: what a deletion should have erased, and
/// sessions that a disabling or a reset should have ended.
pub async fn orphans(world: &World) -> i64 {
    let sessions = "select count(*) from session join subject using (user_id) \
                    where state <> 'active' or epoch < session_epoch";
    let personas = "select count(*) from \
                    (select user_id from persona union all select user_id from ontology \
                     union all select user_id from annotation) as kept join subject using (user_id) \
                    where state = 'deleted'";
    database::count_of(&world.tables("session"), sessions).await
        + database::count_of(&world.tables("persona"), personas).await
}

#[tokio::test]
async fn an_unreliable_bus_changes_nothing_but_the_time_it_takes() {
    let world = World::new().await;
    let mut clients = Vec::new();
    for number in 0..10 {
        let client = world.create_signed_in(&format!("person-{number}")).await;
        create_personas(&client, 2).await;
        clients.push(client);
    }
    world.suite.begin_disorder().await;
    for client in &clients {
        // The answer may be that the effect is pending; then the deletion
        // goes on all the same.
        match world.drive(world.admin.users().delete_user(delete(&client.user_id))).await {
            Ok(_) => assert!(!client.is_signed_in().await),
            Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status:?}"),
        }
    }
    world.suite.end_disorder(1).await;
    converge(&world).await;
    assert_eq!(deletions(&world).await.len(), 10);
    assert_eq!(orphans(&world).await, 0);
    for client in &clients {
        assert!(!client.is_signed_in().await);
    }
}

#[tokio::test]
async fn an_effect_that_is_not_confirmed_in_time_is_told_and_can_be_waited_for() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    world.suite.hold_events().await;
    let request =
        DeleteUserRequest { request_id: world.env.uuid().to_string(), ..delete(&client.user_id) };
    let answer = world.drive(world.admin.users().delete_user(request.clone())).await;
    assert_eq!(reason(answer), (Code::Unavailable, "EFFECT_PENDING".to_owned()));
    let gone = GetUserRequest { user_id: client.user_id.clone() };
    let gone = world.admin.users().get_user(gone).await;
    assert_eq!(reason(gone), (Code::NotFound, "USER_NOT_FOUND".to_owned()), "the change stands");

    world.suite.release_events().await;
    world.admin.users().delete_user(request).await.unwrap();
    assert!(!client.is_signed_in().await);
}

#[tokio::test]
async fn a_role_change_that_is_not_confirmed_can_be_waited_for_too() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    world.suite.hold_events().await;
    let request = UpdateUserRequest {
        user_id: client.user_id.clone(),
        is_admin: Some(true),
        request_id: world.env.uuid().to_string(),
        ..UpdateUserRequest::default()
    };
    let answer = world.drive(world.admin.users().update_user(request.clone())).await;
    assert_eq!(reason(answer), (Code::Unavailable, "EFFECT_PENDING".to_owned()));
    world.suite.release_events().await;
    world.admin.users().update_user(request).await.unwrap();
    client.users().list_users(ListUsersRequest::default()).await.unwrap();
}

/// An administrator's demotion, by whom it may be.
fn demote(world: &World, user_id: &str) -> UpdateUserRequest {
    UpdateUserRequest {
        user_id: user_id.to_owned(),
        is_admin: Some(false),
        request_id: world.env.uuid().to_string(),
        ..UpdateUserRequest::default()
    }
}

#[tokio::test]
async fn administrators_who_demote_themselves_can_wait_for_that_too() {
    let world = World::new().await;
    let third = world.create_admin("third").await;
    third.users().update_user(demote(&world, &third.user_id)).await.unwrap();

    let second = world.create_admin("second").await;
    world.settle().await;
    world.suite.hold_events().await;
    let request = demote(&world, &second.user_id);
    for _ in 0..2 {
        let answer = world.drive(second.users().update_user(request.clone())).await;
        assert_eq!(reason(answer), (Code::Unavailable, "EFFECT_PENDING".to_owned()));
    }
    // It stands, though not in effect: nothing else can be done with the role.
    let again = demote(&world, &second.user_id);
    let answer = world.drive(second.users().update_user(again)).await;
    assert_eq!(reason(answer), (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned()));
    world.suite.release_events().await;
    // In effect now: the answer to whom it has been taken from.
    world.settle().await;
    let answer = world.drive(second.users().update_user(request)).await;
    assert_eq!(reason(answer), (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned()));
    assert!(second.is_signed_in().await, "a demotion ends no session");
}

#[tokio::test]
async fn whoever_is_demoted_meanwhile_can_wait_until_that_is_in_effect() {
    let world = World::new().await;
    let second = world.create_admin("second").await;
    let person = world.create_user("person").await;
    world.settle().await;
    world.suite.hold_events().await;
    let request = UpdateUserRequest { is_admin: Some(true), ..demote(&world, &person.user_id) };
    let answer = world.drive(second.users().update_user(request.clone())).await;
    assert_eq!(reason(answer), (Code::Unavailable, "EFFECT_PENDING".to_owned()));
    let demotion = demote(&world, &second.user_id);
    let answer = world.drive(world.admin.users().update_user(demotion.clone())).await;
    assert_eq!(reason(answer), (Code::Unavailable, "EFFECT_PENDING".to_owned()));

    // The edge has not heard of it: what was done before can be waited for.
    let answer = world.drive(second.users().update_user(request.clone())).await;
    assert_eq!(reason(answer), (Code::Unavailable, "EFFECT_PENDING".to_owned()));
    world.suite.release_events().await;
    world.admin.users().update_user(demotion).await.unwrap();
    let answer = second.users().update_user(request).await;
    assert_eq!(reason(answer), (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned()));
    let promoted = GetUserRequest { user_id: person.user_id };
    let promoted = world.admin.users().get_user(promoted).await.unwrap().into_inner().user.unwrap();
    assert!(promoted.is_admin, "what was done before stands");
}

#[tokio::test]
async fn a_parked_change_is_tried_again_at_once_for_whoever_asks_for_it() {
    let world = World::new().await;
    let second = world.create_admin("second").await;
    world.settle().await;
    database::stick(&world.tables("session"), "update", "subject", "true").await;
    let request = demote(&world, &second.user_id);
    let answer = world.drive(second.users().update_user(request.clone())).await;
    assert_eq!(reason(answer), (Code::Unavailable, "EFFECT_PENDING".to_owned()));
    let parked = "select count(*) from outbox_event where retired_at is null and attempts >= 10";
    eventually(async || {
        world.clock.advance(Duration::from_mins(1));
        world.settle().await;
        database::count_of(&world.tables("identity"), parked).await > 0
    })
    .await;
    database::unstick(&world.tables("session"), "subject").await;
    // Not in the hour that the next attempt is away.
    world.drive(second.users().update_user(request)).await.unwrap();
    let answer = second.users().list_users(ListUsersRequest::default()).await;
    assert_eq!(reason(answer), (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned()));
}

#[tokio::test]
async fn asking_again_for_what_is_not_in_effect_yet_waits_for_it_too() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    world.suite.hold_events().await;
    // Without a request_id: somebody else, or somebody who lost the answer.
    let request = DisableUserRequest { user_id: client.user_id.clone(), ..Default::default() };
    for _ in 0..2 {
        let answer = world.drive(world.admin.users().disable_user(request.clone())).await;
        assert_eq!(reason(answer), (Code::Unavailable, "EFFECT_PENDING".to_owned()));
    }
    world.suite.release_events().await;
    world.admin.users().disable_user(request).await.unwrap();
    assert!(!client.is_signed_in().await);
}

#[tokio::test]
async fn a_deletion_that_fails_at_one_service_is_parked_visibly_until_retried() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    create_personas(&client, 3).await;
    let other = world.create_signed_in("other").await;
    create_personas(&other, 1).await;
    let tables = world.tables("persona");
    let hers = format!("old.user_id = {}", database::literal(&tables, &client.user_id));
    database::stick(&tables, "delete", "persona", &hers).await;
    world.admin.users().delete_user(delete(&client.user_id)).await.unwrap();
    for _ in 0..12 {
        world.settle().await;
        world.clock.advance(Duration::from_mins(10));
    }
    world.settle().await;
    let admin = world.admin.clone();
    let [parked] = deletions(&world).await.try_into().unwrap();
    assert_eq!(parked.state(), DeletionState::Stalled);
    let receipt = parked.receipts.iter().find(|it| it.participant == "persona").unwrap();
    assert_eq!(receipt.state(), ReceiptState::Parked);
    assert!(!receipt.failure.is_empty());
    assert!(receipt.attempts >= 10, "{}", receipt.attempts);

    // Others go on meanwhile.
    let answer = admin.users().delete_user(delete(&other.user_id)).await.unwrap();
    world.settle().await;
    let deletion_id = answer.into_inner().deletion.unwrap().deletion_id;
    let request = GetDeletionRequest { deletion_id };
    let done = admin.users().get_deletion(request).await.unwrap().into_inner().deletion.unwrap();
    assert_eq!(done.state(), DeletionState::Complete);

    database::unstick(&tables, "persona").await;
    let retry = RetryDeletionRequest { deletion_id: parked.deletion_id, ..Default::default() };
    admin.users().retry_deletion(retry).await.unwrap();
    world.settle().await;
    let all = deletions(&world).await;
    assert!(all.iter().all(|it| it.state() == DeletionState::Complete), "{all:#?}");
    assert_eq!(orphans(&world).await, 0);
}

/// Every step of a deletion behind its commit, and how often it is passed
/// before the process ends there: two services consume the event.
const STEPS: [(&str, u32); 13] = [
    ("delete_user.committed", 0),
    ("outbox.claimed", 0),
    ("outbox.published", 0),
    ("event.arrived", 0),
    ("event.arrived", 1),
    ("erasure.marked", 0),
    ("erasure.marked", 1),
    ("erasure.batch", 0),
    ("erasure.batch", 1),
    ("event.handled", 0),
    ("event.handled", 1),
    ("receipt.arrived", 0),
    ("receipt.arrived", 1),
];

/// Deletes a user with two kinds of data in a process that ends at a step,
/// and starts another one; where services run apart, all of them.
async fn end_at(step: &'static str, passes: u32) -> (World, Client) {
    let end = Arc::new(StopAt::later(step, passes));
    let world = World::watched(end.clone()).await;
    let client = world.create_signed_in("person").await;
    create_personas(&client, 3).await;
    world.settle().await;
    end.arm();
    let mut users = world.admin.users();
    let request = delete(&client.user_id);
    let mut call = JoinSet::new();
    call.spawn(async move { users.delete_user(request).await });
    end.stopped().await;
    (world.crash_and_restart().await, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_at_any_step_leaves_a_deletion_that_completes() {
    // Some at a time: each waits for others than itself most of the time.
    let ends = stream::iter(STEPS).for_each_concurrent(4, |(step, passes)| async move {
        let (world, client) = end_at(step, passes).await;
        converge(&world).await;
        let [done] = deletions(&world).await.try_into().unwrap();
        assert_eq!(done.user_id, client.user_id, "{step} {passes}");
        assert_eq!(orphans(&world).await, 0, "{step} {passes}");
        let receipt = done.receipts.iter().find(|it| it.participant == "persona").unwrap();
        let personas = receipt.counts.iter().find(|it| it.kind == "personas").unwrap();
        assert_eq!(personas.count, 3, "{step} {passes}");
    });
    Box::pin(ends).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_before_the_commit_has_deleted_nothing() {
    let (world, client) = end_at("delete_user.prepared", 0).await;
    world.settle().await;
    assert!(deletions(&world).await.is_empty());
    let request = GetUserRequest { user_id: client.user_id };
    let user = world.admin.users().get_user(request).await.unwrap().into_inner().user.unwrap();
    assert_eq!(user.statistics.unwrap().persona_count, Some(3));
}

#[test]
fn every_step_in_the_code_is_a_place_where_a_process_was_ended() {
    let workspace = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let mut found = BTreeSet::new();
    for folder in ["crates", "services"] {
        for each in fs::read_dir(workspace.join(folder)).unwrap() {
            steps_in(&each.unwrap().path().join("src"), &mut found);
        }
    }
    let mut ended: BTreeSet<String> = STEPS.iter().map(|(step, _)| (*step).to_owned()).collect();
    ended.insert("delete_user.prepared".to_owned());
    // Where an operation waits, nothing is half done; tests drive time by it.
    ended.insert("outbox.waiting".to_owned());
    ended.insert("watch_deletion.waiting".to_owned());
    // No part of a deletion; the participants' own tests step in there.
    for step in ["reconcile.batch", "revoke_sessions.batch", "state.batch"] {
        ended.insert(step.to_owned());
    }
    // Nor is this; the persona service's tests end it there.
    ended.insert("transfer_personas.prepared".to_owned());
    // Nor are these; ended at by the tests of restored databases.
    ended.extend(restore::STEPS.map(str::to_owned));
    ended.insert("end_all_sessions.batch".to_owned());
    // Nor are these: the outbox's and identity's tests end there.
    for step in ["outbox.waived", "participants.replayed", "participants.unregistered"] {
        ended.insert(step.to_owned());
    }
    // No part of a deletion either.
    ended.extend(rotate_keys::STEPS.iter().map(|(step, ..)| (*step).to_owned()));
    assert_eq!(found, ended);
}

fn steps_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            steps_in(&path, found);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            let steps = text.split(".step(\"").skip(1).filter_map(|rest| rest.split('"').next());
            found.extend(steps.map(str::to_owned));
        }
    }
}

#[tokio::test]
async fn what_was_missed_is_caught_up_with() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    create_personas(&client, 2).await;
    world.suite.hold_events().await;
    let answer = world.drive(world.admin.users().delete_user(delete(&client.user_id))).await;
    assert_eq!(reason(answer), (Code::Unavailable, "EFFECT_PENDING".to_owned()));
    let own = client.sessions().list_sessions(ListSessionsRequest::default()).await;
    assert!(own.is_ok(), "session has not heard of it: {own:?}");
    for (_, report) in world.suite.reconcile().await {
        assert_eq!(report.unwrap().deleted, 1);
    }
    assert!(!client.is_signed_in().await);
    assert_eq!(orphans(&world).await, 0);
}

#[tokio::test]
async fn changes_leave_an_audit_trail_without_values() {
    let world = World::new().await;
    let user = world.create_user("person").await;
    let edit = UpdateUserRequest {
        user_id: user.user_id.clone(),
        display_name: Some("Secret name".to_owned()),
        ..UpdateUserRequest::default()
    };
    world.admin.users().update_user(edit).await.unwrap();
    world.admin.users().delete_user(delete(&user.user_id)).await.unwrap();
    let of_user = |method: &str| {
        format!(
            "select count(*) from audit_event where target = '{}' and actor_id = '{}' \
             and method like '%/{method}'",
            user.user_id, world.admin.user_id
        )
    };
    let trail = world.tables("identity");
    for method in ["CreateUser", "UpdateUser", "DeleteUser"] {
        assert_eq!(database::count_of(&trail, &of_user(method)).await, 1, "{method}");
    }
    let leaked = "select count(*) from audit_event where cast(fields as text) like '%Secret%'";
    assert_eq!(database::count_of(&trail, leaked).await, 0);
    let named = "select count(*) from audit_event where cast(fields as text) like '%display_name%'";
    assert!(database::count_of(&trail, named).await >= 1);
}
