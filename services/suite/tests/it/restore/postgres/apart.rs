//! The same where every service runs apart: it is stopped alone, and the others
//! go on.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use roster_identity::{RestoreError, Restored};
use roster_suite::{CommandError, Node, Part, StartError};
use roster_testkit::eventually;

use super::super::{Cast, NEW_PASSWORD, complete_deletions, create_persona, personas};
use crate::{
    cascade::orphans,
    client::Client,
    world::{CHEAP, PASSWORD, World},
};

/// A world in which a lot has happened since a service was backed up, and whom it
/// happened to; `later` was created since.
async fn since_the_backup_of(part: Part) -> (World, Cast, Client) {
    let world = World::apart(|_| {}).await;
    let cast = Cast::sign_up(&world).await;
    world.ground().database.dump(part.name(), &backup(&world));
    cast.meet_their_fate(&world).await;
    let later = world.create_signed_in("later").await;
    create_persona(&later).await;
    (world, cast, later)
}

fn backup(world: &World) -> PathBuf {
    world.config.data_dir.with_file_name("backup")
}

/// What a command of `part` works with.
async fn alone(world: &World, part: Part) -> Result<Node, StartError> {
    Node::alone(&world.config_of(part), part, world.env.clone(), CHEAP).await
}

async fn restore_identity(world: &World, planned: bool) -> Result<Restored, CommandError> {
    let identity = alone(world, Part::Identity).await.unwrap();
    let restored = identity.restore_identity(planned).await;
    identity.stop().await;
    restored
}

/// Nobody who was gone is back; those who were not go on where they were.
async fn assert_restored(world: &World, cast: &Cast, later: &Client) {
    cast.stay_where_they_are(world, PASSWORD).await;
    assert!(cast.staying.is_signed_in().await);
    assert_eq!(personas(&cast.staying).await, 1);
    assert!(!later.is_signed_in().await);
    assert_eq!(complete_deletions(world).await.len(), 2);
    assert_eq!(orphans(world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn nobody_comes_back_with_an_identity_that_runs_apart() {
    let (mut world, cast, later) = since_the_backup_of(Part::Identity).await;
    world.stop_part(Part::Identity).await;
    world.ground().database.put_back(&backup(&world));

    // Who does not answer may know what the ledger has to.
    world.stop_part(Part::Persona).await;
    let silent = restore_identity(&world, false).await;
    let Err(CommandError::Restore(RestoreError::Participant(silent))) = silent else {
        panic!("{silent:?}");
    };
    assert_eq!(silent.0.as_str(), "persona");
    let (mut world, restored) = Box::pin(restore_while_persona_waits(world)).await;
    assert_eq!((restored.incarnation, restored.admins), (2, 1));
    assert_eq!((restored.deleted.len(), restored.unknown.len()), (1, 1));
    assert_eq!(restored.amended.len(), 4);
    assert_restored(&world, &cast, &later).await;
    world.stop_part(Part::Identity).await;
    let identity = alone(&world, Part::Identity).await.unwrap();
    assert!(identity.has_whole_ledger().await.unwrap());
    identity.stop().await;
}

/// Starts persona, which waits for identity, restores identity, which asks persona,
/// and lets both serve.
async fn restore_while_persona_waits(mut world: World) -> (World, Restored) {
    let started = AtomicBool::new(false);
    let persona = async {
        let nodes = world.launch(Part::Persona).await;
        started.store(true, Ordering::Relaxed);
        nodes
    };
    let identity = async {
        eventually(async || restore_identity(&world, true).await.is_ok()).await;
        let behind = alone(&world, Part::Identity).await.unwrap();
        assert!(!behind.has_whole_ledger().await.unwrap());
        behind.stop().await;
        let restored = restore_identity(&world, false).await.unwrap();
        assert!(!started.load(Ordering::Relaxed));
        let nodes = world.launch(Part::Identity).await;
        eventually(async || {
            world.clock.advance(Duration::from_millis(100));
            // Something that takes its time, by the clock that is real.
            orphans(&world).await;
            started.load(Ordering::Relaxed)
        })
        .await;
        (restored, nodes)
    };
    let (persona, (restored, identity)) = tokio::join!(persona, identity);
    world.take_in([identity, persona].into_iter().flatten().collect()).await;
    (world, restored)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn nobody_comes_back_with_a_participant_that_runs_apart() {
    for part in [Part::Session, Part::Persona] {
        let (mut world, cast, later) = since_the_backup_of(part).await;
        world.stop_part(part).await;
        world.ground().database.put_back(&backup(&world));
        let node = alone(&world, part).await.unwrap();
        if part == Part::Session {
            // Those of the cast and of the administrator, who has signed in once.
            assert_eq!(node.end_all_sessions().await.unwrap(), 7);
        }
        assert_eq!(node.reconcile().await.unwrap().unwrap().deleted, 1);
        assert_eq!(orphans(&world).await, 0);
        node.stop().await;
        world.start_part(part).await;
        let staying = world.same_token(&cast.staying);
        assert_eq!(staying.is_signed_in().await, part == Part::Persona);
        assert_eq!(later.is_signed_in().await, part == Part::Persona);
        let world = if part == Part::Session { world.sign_in_again().await } else { world };
        cast.stay_where_they_are(&world, NEW_PASSWORD).await;
        assert_eq!(complete_deletions(&world).await.len(), 1);
        assert_eq!(orphans(&world).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn what_has_to_be_done_alone_is_not_done_beside_others() {
    let mut world = World::apart(|_| {}).await;
    let person = world.create_signed_in("person").await;
    let beside = alone(&world, Part::Identity).await;
    assert!(matches!(&beside, Err(StartError::InUse(what)) if what.contains("identity")));
    // What may be done beside others takes effect at once.
    let config = world.config_of(Part::Identity);
    let identity = Node::service(&config, Part::Identity, world.env.clone(), CHEAP).await.unwrap();
    assert!(identity.has_whole_ledger().await.unwrap());
    identity.recover_admin("person", false).await.unwrap();
    identity.stop().await;
    // It may have ended before it announced that, and has woken nobody else: those
    // that go on look by themselves.
    eventually(async || {
        world.clock.advance(Duration::from_secs(5));
        world.settle().await;
        !person.is_signed_in().await
    })
    .await;

    world.stop_part(Part::Identity).await;
    let command = alone(&world, Part::Identity).await.unwrap();
    let refused = Node::service(&config, Part::Identity, world.env.clone(), CHEAP).await;
    assert!(matches!(&refused, Err(StartError::Reserved(what)) if what.contains("identity")));
    // A certificate is that of its service, and of no other.
    let (another, env) = (world.config_of(Part::Session), world.env.clone());
    let refused = Node::service(&another, Part::Identity, env, CHEAP).await;
    assert!(matches!(refused, Err(StartError::Certificate("identity"))), "{refused:?}");
    command.stop().await;
    world.start_part(Part::Identity).await;
    world.create_user("somebody").await;
}
