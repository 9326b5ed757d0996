use std::{sync::Arc, time::Duration};

use roster_db::Db;
use roster_identity::{Keyring, KeyringError, check_keyring, rotate_keys};
use roster_kernel::Env;
use roster_proto::identity::v1::{CreateApiKeyRequest, ResolveApiKeyRequest};
use roster_testkit::StopAt;

use crate::{
    api_keys::{self, new_key},
    system_api_keys as system,
    world::{Setup, World, keyring, peer, says},
};

/// The number of keys: more than two batches.
const KEYS: usize = 205;

/// A database with keys of many owners, encrypted with version 1.
async fn world() -> World {
    let world = World::new().await;
    let mut owner = world.root.clone();
    for number in 0..KEYS - 1 {
        if number % 100 == 0 {
            owner = api_keys::user(&world, &format!("user{number}")).await;
        }
        let secret = format!("secret of p{number}");
        let request = CreateApiKeyRequest { secret, ..new_key(&format!("p{number}")) };
        api_keys::create(&world, &owner, request).await.unwrap();
    }
    system::create(&world, &world.root, system::new_key("acme")).await.unwrap();
    world
}

/// Resolves every key, as a service with `keyring` does.
async fn all_are_readable(world: &mut World, keyring: &Arc<Keyring>) {
    world.restart(&Setup { keyring: Arc::clone(keyring), ..Setup::default() });
    let mut read = 0;
    for state in world.ledger_from(0).await {
        for key in api_keys::list(world, &world.caller_of(&state.user_id, false)).await {
            let (user_id, provider) = (state.user_id.clone(), key.provider.clone());
            let request = ResolveApiKeyRequest { user_id, provider };
            let answer = world.credentials().resolve_api_key(says(&peer(), request)).await;
            assert_eq!(answer.unwrap().into_inner().secret, format!("secret of {}", key.provider));
            read += 1;
        }
    }
    assert_eq!(read, KEYS - 1);
    world.tasks.shutdown().await;
}

async fn of_version(world: &World, version: i32) -> usize {
    let sql = format!("SELECT count(*) FROM api_key WHERE key_version = {version}");
    usize::try_from(world.number(&sql).await).unwrap()
}

const NOTED: &str = "SELECT count(*) FROM audit_event WHERE method = 'roster.identity/RotateKeys'";

#[tokio::test]
async fn every_secret_is_encrypted_anew_and_nothing_else_changes() {
    let mut world = world().await;
    world.execute("CREATE TABLE before AS SELECT id, etag, updated_at FROM api_key").await;
    let same = "SELECT count(*) FROM api_key JOIN before USING (id, etag, updated_at)";
    let both = keyring(2, &[1, 2]);
    world.clock.advance(Duration::from_mins(1));
    let db: &Db = &world.temp.db;
    assert_eq!(rotate_keys(db, &world.env, &both).await.unwrap(), KEYS as u64);
    assert_eq!((of_version(&world, 1).await, of_version(&world, 2).await), (0, KEYS));
    assert_eq!(world.number(same).await, i64::try_from(KEYS).unwrap());
    assert_eq!(world.number(NOTED).await, 1);
    // The old key is of no use any more.
    let new = keyring(2, &[2]);
    check_keyring(&world.temp.db, &new).await.unwrap();
    all_are_readable(&mut world, &new).await;

    // Once more is nothing more.
    assert_eq!(rotate_keys(&world.temp.db, &world.env, &both).await.unwrap(), 0);
    assert_eq!(world.number(NOTED).await, 1);
}

#[tokio::test]
async fn a_rotation_can_end_anywhere_and_goes_on_where_it_was() {
    let mut world = world().await;
    let both = keyring(2, &[1, 2]);
    // Three batches, and the one that finds nothing.
    for step in ["rotate_keys.prepared", "rotate_keys.committed"] {
        for passes in 0..4 {
            world.execute("DELETE FROM audit_event").await;
            let back = keyring(1, &[1, 2]);
            rotate_keys(&world.temp.db, &world.env, &back).await.unwrap();
            world.execute("DELETE FROM audit_event").await;
            assert_eq!(of_version(&world, 1).await, KEYS);

            let stop = Arc::new(StopAt::new(step, passes));
            let env = Env { steps: Some(stop.clone()), ..world.env.clone() };
            tokio::select! {
                ended = rotate_keys(&world.temp.db, &env, &both) => panic!("{ended:?}"),
                () = stop.stopped() => {}
            }
            let passes = passes as usize;
            let batches = if step.ends_with("committed") { passes + 1 } else { passes };
            let (moved, left) = (of_version(&world, 2).await, of_version(&world, 1).await);
            assert_eq!((moved, left), (KEYS.min(batches * 100), KEYS - KEYS.min(batches * 100)));
            all_are_readable(&mut world, &both).await;

            let rest = rotate_keys(&world.temp.db, &world.env, &both).await.unwrap();
            assert_eq!(rest, left as u64, "{step} {passes}");
            assert_eq!(of_version(&world, 2).await, KEYS);
            assert_eq!(world.number(NOTED).await, 1, "{step} {passes}");
        }
    }
}

#[tokio::test]
async fn a_keyring_that_does_not_fit_is_told_by_its_version() {
    let world = World::new().await;
    for odd in [keyring(2, &[2]), keyring(1, &[1])] {
        // Nothing is stored: any keyring is as good as another.
        check_keyring(&world.temp.db, &odd).await.unwrap();
    }
    system::create(&world, &world.root, system::new_key("acme")).await.unwrap();
    let missing = check_keyring(&world.temp.db, &keyring(2, &[2, 3])).await;
    assert!(matches!(missing, Err(KeyringError::Missing(1))), "{missing:?}");
    let key = [(1, zeroize::Zeroizing::new([9; 32]))];
    let other = check_keyring(&world.temp.db, &Keyring::new(1, key).unwrap()).await;
    assert!(matches!(other, Err(KeyringError::Other(1))), "{other:?}");
    check_keyring(&world.temp.db, &keyring(2, &[1, 2])).await.unwrap();
    // Nothing is encrypted anew that cannot be decrypted.
    assert!(rotate_keys(&world.temp.db, &world.env, &keyring(2, &[2])).await.is_err());
    assert_eq!(of_version(&world, 1).await, 1);
}
