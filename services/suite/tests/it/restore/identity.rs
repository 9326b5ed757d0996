//! The database of accounts is put back.

use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use roster_participant::ReconcileError;
use roster_proto::identity::v1::{CreateUserRequest, UpdateUserRequest};
use roster_suite::{StartError, Suite};
use roster_testkit::StopAt;
use tonic::Code;

use super::{
    Cast, STEPS, back_up, complete_deletions, create_persona, delete, disable, log_in, offline,
    offline_watched, personas, put_back,
};
use crate::{
    binary::{self, command},
    cascade::orphans,
    client::{Client, reason},
    database,
    world::{CHEAP, PASSWORD, World, person},
};

/// A world in which a lot has happened since identity was backed up, and whom
/// it happened to; `later` was created since.
fn since_the_backup() -> LocalBoxFuture<'static, (World, Cast, Client)> {
    Box::pin(async {
        let world = World::new().await;
        let cast = Cast::sign_up(&world).await;
        let world = back_up(world, "identity").await;
        let cast = cast.at(&world);
        cast.meet_their_fate(&world).await;
        let later = world.create_signed_in("later").await;
        create_persona(&later).await;
        (world, cast, later)
    })
}

/// Nobody who was gone is back; those who were not go on where they were.
async fn assert_restored(world: &World, cast: &Cast, later: &Client) {
    let (cast, later) = (cast.at(world), world.same_token(later));
    // The password is that of the backup, and the sessions that have been opened
    // with it are over all the same.
    cast.stay_where_they_are(world, PASSWORD).await;
    assert!(cast.staying.is_signed_in().await, "nobody signs in again without need");
    assert_eq!(personas(&cast.staying).await, 1);
    assert!(cast.demoted.is_signed_in().await);

    assert!(!later.is_signed_in().await);
    let refused = (Code::Unauthenticated, "INVALID_CREDENTIALS".to_owned());
    assert_eq!(log_in(world, "later", PASSWORD).await, Err(refused));
    let deletions = complete_deletions(world).await;
    let mut gone: Vec<_> = deletions.iter().map(|it| it.user_id.as_str()).collect();
    gone.sort_unstable();
    let mut expected = [cast.deleted.user_id.as_str(), later.user_id.as_str()];
    expected.sort_unstable();
    assert_eq!(gone, expected);
    assert!(deletions.iter().all(|it| it.requested_by.is_empty()));
    assert_eq!(orphans(world).await, 0);
    let left = "select count(*) from persona";
    assert_eq!(database::count(&world.database("persona"), left).await, 5);
    // What was deleted leaves its name, as ever.
    world.create_user("deleted").await;
}

#[tokio::test]
async fn nobody_comes_back_with_a_restored_identity() {
    let (world, cast, later) = since_the_backup().await;
    let (deleted, unknown) = (cast.deleted.user_id.clone(), later.user_id.clone());
    let world = world
        .restart_around(async |config, env| {
            put_back(config, "identity");
            let suite = offline(config, env).await;
            let restored = suite.restore_identity(false).await.unwrap();
            suite.stop().await;
            assert_eq!((restored.incarnation, restored.admins), (2, 1));
            let ids = |users: &[roster_kernel::UserId]| {
                users.iter().map(ToString::to_string).collect::<Vec<_>>()
            };
            assert_eq!(
                (ids(&restored.deleted), ids(&restored.unknown)),
                (vec![deleted], vec![unknown])
            );
            let mut fields: Vec<_> =
                restored.amended.iter().map(|it| it.fields.join(" ")).collect();
            fields.sort_unstable();
            let expected =
                ["disabled revoke_sessions", "is_admin", "revoke_sessions", "revoke_sessions"];
            assert_eq!(fields, expected);
        })
        .await;
    assert_restored(&world, &cast, &later).await;
    let noted = "select count(*) from audit_event where method = 'roster.identity/Restore' \
                 and actor_kind = 'operator'";
    assert_eq!(database::count(&world.database("identity"), noted).await, 7);
}

#[tokio::test]
async fn whatever_changes_after_a_restoration_counts() {
    let (world, cast, _later) = since_the_backup().await;
    // The others have read the lost ledger further than the new one gets.
    let user_id = &cast.at(&world).revoked.user_id;
    for _ in 0..20 {
        let user_id = user_id.clone();
        let revoke =
            UpdateUserRequest { user_id, revoke_sessions: true, ..UpdateUserRequest::default() };
        world.admin.users().update_user(revoke).await.unwrap();
    }
    for (_, report) in world.suite.reconcile().await {
        report.unwrap();
    }
    let world = restored(world).await;
    let cast = cast.at(&world);
    world.admin.users().disable_user(disable(&cast.staying)).await.unwrap();
    assert!(!cast.staying.is_signed_in().await);

    // Places in the ledger begin anew: what is behind them is found, too.
    world.suite.hold_events().await;
    let answer = world.drive(world.admin.users().delete_user(delete(&cast.demoted))).await;
    assert_eq!(reason(answer), (Code::Unavailable, "EFFECT_PENDING".to_owned()));
    for (service, report) in world.suite.reconcile().await {
        assert_eq!(report.unwrap().deleted, 1, "{service}");
    }
    assert!(!cast.demoted.is_signed_in().await);
    assert_eq!(orphans(&world).await, 0);
}

/// Puts identity back, and restores it.
async fn restored(world: World) -> World {
    world
        .restart_around(async |config, env| {
            put_back(config, "identity");
            let suite = offline(config, env).await;
            suite.restore_identity(false).await.unwrap();
            suite.stop().await;
        })
        .await
}

#[tokio::test]
async fn the_same_backup_can_be_put_back_twice() {
    let (world, cast, later) = since_the_backup().await;
    let world = restored(world).await;
    let last = world.create_signed_in("last").await;
    let staying = cast.at(&world).staying;
    world.admin.users().delete_user(delete(&staying)).await.unwrap();
    // The backup is of incarnation 1, and does not know of 2.
    let world = world
        .restart_around(async |config, env| {
            put_back(config, "identity");
            let suite = offline(config, env).await;
            let restored = suite.restore_identity(false).await.unwrap();
            // Two of the backup are gone, and two that it never knew.
            assert_eq!(restored.incarnation, 3);
            assert_eq!((restored.deleted.len(), restored.unknown.len()), (2, 2));
            suite.stop().await;
        })
        .await;
    for gone in [&cast.deleted, &staying, &later, &last] {
        assert!(!world.same_token(gone).is_signed_in().await);
    }
    assert_eq!(complete_deletions(&world).await.len(), 4);
    assert_eq!(orphans(&world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restoration_can_end_anywhere_and_be_run_again() {
    for step in STEPS {
        let (world, cast, later) = since_the_backup().await;
        let world = world
            .restart_around(async |config, env| {
                put_back(config, "identity");
                let stop = Arc::new(StopAt::new(step, 0));
                let suite = offline_watched(config, env, stop.clone()).await;
                tokio::select! {
                    ended = suite.restore_identity(false) => panic!("{step}: {ended:?}"),
                    () = stop.stopped() => {}
                }
                suite.crash().await;
                let suite = offline(config, env).await;
                suite.restore_identity(false).await.unwrap();
                suite.stop().await;
            })
            .await;
        assert_restored(&world, &cast, &later).await;
    }
}

#[tokio::test]
async fn an_identity_that_was_put_back_and_nothing_more_does_not_start() {
    let (world, cast, later) = since_the_backup().await;
    let world = world
        .restart_around(async |config, env| {
            put_back(config, "identity");
            for _ in 0..2 {
                let mut suite = offline(config, env).await;
                let refused = suite.listen(config).await.unwrap_err();
                let behind =
                    |error: &ReconcileError| matches!(error, ReconcileError::Behind { .. });
                assert!(matches!(&refused, StartError::Reconcile(_, error) if behind(error)));
                suite.stop().await;
                // A look changes nothing about that.
                let suite = offline(config, env).await;
                assert_eq!(suite.restore_identity(true).await.unwrap().deleted.len(), 1);
                suite.stop().await;
            }
            let suite = offline(config, env).await;
            suite.restore_identity(false).await.unwrap();
            suite.stop().await;
        })
        .await;
    assert_restored(&world, &cast, &later).await;
}

#[tokio::test]
async fn one_change_that_only_an_event_told_of_is_enough_to_notice() {
    let world = World::new().await;
    let person = world.create_signed_in("person").await;
    let world = back_up(world, "identity").await;
    world.admin.users().disable_user(disable(&person)).await.unwrap();
    let mut refused = false;
    world
        .restart_around(async |config, env| {
            put_back(config, "identity");
            let mut suite = offline(config, env).await;
            refused = suite.listen(config).await.is_err();
            suite.restore_identity(false).await.unwrap();
            suite.stop().await;
        })
        .await;
    assert!(refused);
}

#[tokio::test]
async fn nobody_stays_an_administrator_for_want_of_others() {
    let world = World::new().await;
    let world = back_up(world, "identity").await;
    let next = world.create_admin("next").await;
    next.users().delete_user(delete(&world.admin)).await.unwrap();
    world.settle().await;
    let world_config = world.config.clone();
    let env = world.env.clone();
    world.suite.stop().await;
    put_back(&world_config, "identity");
    let suite = Suite::assemble(&world_config, env, CHEAP).await.unwrap();
    let restored = suite.restore_identity(false).await.unwrap();
    assert_eq!((restored.deleted.len(), restored.unknown.len(), restored.admins), (1, 1, 0));
    let recovered = suite.recover_admin("admin", true).await.unwrap();
    assert!(recovered.created);
    for (_, report) in suite.reconcile().await {
        report.unwrap();
    }
    suite.stop().await;
}

#[tokio::test]
async fn a_service_that_knows_more_than_the_ledger_says_so_while_it_runs() {
    let world = World::new().await;
    let shown = |value: u8| {
        let line = format!("roster_ledger_behind{{roster_service=\"session\"}} {value}");
        world.suite.scrape().lines().any(|it| it == line)
    };
    assert!(crate::health::is_serving(&world).await && shown(0));
    let guard = world.database("identity");
    database::execute(&guard, "update guard set ledger_sequence = ledger_sequence - 1").await;
    for (service, report) in world.suite.reconcile().await {
        assert!(matches!(report, Err(ReconcileError::Behind { .. })), "{service}: {report:?}");
    }
    assert!(!crate::health::is_serving(&world).await && shown(1));
    database::execute(&guard, "update guard set ledger_sequence = ledger_sequence + 1").await;
    for (_, report) in world.suite.reconcile().await {
        report.unwrap();
    }
    assert!(crate::health::is_serving(&world).await && shown(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_say_what_they_do() {
    let (world, cast, later) = since_the_backup().await;
    world
        .restart_around(async |config, _env| {
            let roster = |arguments: &[&str]| {
                let mut command = command(config.data_dir.parent().unwrap());
                command.args(arguments);
                binary::run(command)
            };
            put_back(config, "identity");
            let recover = ["admin", "recover", "--username", "admin"];
            for refused in [&["serve"][..], &["reconcile"], &recover] {
                let ended = roster(refused);
                assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
                let complaint = ended.stderr.lines().last().unwrap();
                assert!(complaint.contains("run `roster restore identity`"), "{complaint}");
            }

            let planned = roster(&["restore", "identity", "--plan"]);
            assert_eq!(planned.code, Some(0), "{planned:?}");
            let done = roster(&["restore", "identity"]);
            assert_eq!(done.code, Some(0), "{done:?}");
            for (what, users) in [("deleted after", &cast.deleted), ("created after", &later)] {
                for said in [&planned.stdout, &done.stdout] {
                    let mut lines = said.lines().skip_while(|line| !line.starts_with(what));
                    assert!(lines.next().unwrap().ends_with(": 1"), "{said}");
                    assert_eq!(lines.next().unwrap().trim(), users.user_id, "{said}");
                }
            }
            assert!(planned.stdout.starts_with("identity would begin incarnation 2"));
            assert!(done.stdout.starts_with("identity begins incarnation 2"));
            assert!(done.stdout.contains("persona: 8 states looked at, 2 deleted users erased"));
        })
        .await;
}

/// An account of the name of somebody who was deleted since is another one.
#[tokio::test]
async fn a_name_that_was_given_again_after_the_backup_is_free() {
    let world = World::new().await;
    let first = world.create_signed_in("name").await;
    let world = back_up(world, "identity").await;
    world.admin.users().delete_user(delete(&first)).await.unwrap();
    let second = world.create_signed_in("name").await;
    let world = restored(world).await;
    for gone in [&first, &second] {
        assert!(!world.same_token(gone).is_signed_in().await);
    }
    let third = world.create(CreateUserRequest { username: "name".to_owned(), ..person() }).await;
    assert!(![&first.user_id, &second.user_id].contains(&&third.user_id));
    log_in(&world, "name", PASSWORD).await.unwrap();
}
