//! Another key for the encryption of API keys, with everything that can come
//! in between.

use std::{fs, sync::Arc};

use futures_util::{StreamExt as _, stream};
use roster_kernel::{Env, Steps};
use roster_suite::{Rotated, rotate_keys};
use roster_testkit::StopAt;
use tempfile::tempdir;

use crate::{
    api_keys::{add, add_system, resolve},
    binary::{self, Roster, command},
    database,
    world::World,
};

/// Where a change of keys is ended, after how many passes, and the version
/// that all is encrypted with when it has been run again.
pub const STEPS: [(&str, u32, i32); 9] = [
    // Nothing has begun: what is drawn next is the second key.
    ("secrets.drafted", 0, 2),
    ("rotate_keys.begun", 0, 2),
    ("rotate_keys.prepared", 0, 2),
    ("rotate_keys.committed", 0, 2),
    ("rotate_keys.prepared", 1, 2),
    ("rotate_keys.committed", 1, 2),
    ("rotate_keys.encrypted", 0, 2),
    ("secrets.drafted", 1, 2),
    // All was done: this is another change.
    ("rotate_keys.ended", 0, 3),
];

/// The versions of keys that the secrets file holds.
fn versions(world: &World) -> Vec<String> {
    let text = fs::read_to_string(world.config.secrets()).unwrap();
    let secrets: toml::Table = text.parse().unwrap();
    let keys = secrets["api_key_encryption"]["keys"].as_table().unwrap();
    keys.keys().cloned().collect()
}

async fn assert_readable(world: &World, user_id: &str) {
    for (provider, secret) in [("acme", "sk-maras-own"), ("beta", "sk-everybodys")] {
        let resolved = resolve(world, user_id, provider).await.unwrap().into_inner();
        assert_eq!(resolved.secret, secret);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_keys_can_end_anywhere_and_everything_stays_readable() {
    // Some at a time: each waits for others than itself most of the time.
    let ends = stream::iter(STEPS)
        .for_each_concurrent(4, |(step, passes, version)| end_at(step, passes, version));
    Box::pin(ends).await;
}

/// Ends a change of keys at a step, and runs it again, which comes to `version`.
async fn end_at(step: &'static str, passes: u32, version: i32) {
    let world = World::with_socket().await;
    let mara = world.create_signed_in("mara").await;
    add(&mara, "acme", "sk-maras-own").await;
    add_system(&world, "beta", "sk-everybodys").await;
    let what = format!("{step} {passes}");

    let world = world
        .restart_around(async |config, env| {
            let end = Arc::new(StopAt::new(step, passes));
            let steps: Arc<dyn Steps> = end.clone();
            let env = Env { steps: Some(steps), ..env.clone() };
            tokio::select! {
                ended = rotate_keys(config, &env) => panic!("{what}: {ended:?}"),
                () = end.stopped() => {}
            }
        })
        .await;
    assert_readable(&world, &mara.user_id).await;
    let begun = versions(&world).len() == 2;
    let world = world
        .restart_around(async |config, env| {
            let rotated = rotate_keys(config, env).await.unwrap();
            assert_eq!((rotated.version, rotated.resumed), (version, begun), "{what}");
        })
        .await;
    assert_readable(&world, &mara.user_id).await;
    assert_eq!(versions(&world), [version.to_string()], "{what}");
    let old = format!("SELECT count(*) FROM api_key WHERE key_version <> {version}");
    let tables = world.tables("identity");
    assert_eq!(database::count_of(&tables, &old).await, 0, "{what}");
    let noted = "SELECT count(*) FROM audit_event WHERE method = 'roster.identity/RotateKeys'";
    assert_eq!(database::count_of(&tables, noted).await, i64::from(version) - 1, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_keys_says_what_it_did() {
    let world = World::with_socket().await;
    let mara = world.create_signed_in("mara").await;
    add(&mara, "acme", "sk-maras-own").await;
    add_system(&world, "beta", "sk-everybodys").await;
    let world = world
        .restart_around(async |config, env| {
            let rotated = rotate_keys(config, env).await.unwrap();
            assert_eq!(rotated, Rotated { version: 2, encrypted: 2, resumed: false });
            let rotated = rotate_keys(config, env).await.unwrap();
            assert_eq!(rotated, Rotated { version: 3, encrypted: 2, resumed: false });
        })
        .await;
    assert_readable(&world, &mara.user_id).await;
}

#[test]
fn the_command_prints_the_version_and_leaves_the_file_to_its_owner() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempdir().unwrap();
    Roster::start(command(folder.path())).stop();
    for version in [2, 3] {
        let mut rotate = command(folder.path());
        rotate.arg("rotate-keys");
        let ended = binary::run(rotate);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let said = format!("0 API keys encrypted anew, with key version {version}\n");
        assert_eq!(ended.stdout, said);
    }
    let secrets = folder.path().join("data/secrets.toml");
    assert_eq!(fs::metadata(secrets).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(Roster::start(command(folder.path())).stop().code, Some(0));
}

/// A file of another backup: the keys that are stored do not open with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_that_does_not_fit_is_refused_with_file_and_version() {
    let world = World::with_socket().await;
    add_system(&world, "beta", "sk-everybodys").await;
    let secrets = world.config.data_dir.join("secrets.toml");
    let right = fs::read_to_string(&secrets).unwrap();
    world.suite.stop().await;
    let (front, key) = right.rsplit_once("1 = \"").unwrap();
    let other = format!("{front}1 = \"{}", key.replace(['0', '1', '2'], "f"));
    let missing = right.replace("active = 1", "active = 2").replace("\n1 = ", "\n2 = ");
    for (text, said) in [(other, "its key of version 1"), (missing, "no key of version 1")] {
        assert_ne!(text, right);
        fs::write(&secrets, &text).unwrap();
        for subcommand in ["serve", "rotate-keys"] {
            let mut command = command(world.config.data_dir.parent().unwrap());
            command.arg(subcommand);
            let ended = binary::run(command);
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
            let complaint = ended.stderr.lines().last().unwrap();
            assert!(complaint.starts_with("roster: cannot use "), "{complaint}");
            assert!(complaint.contains("secrets.toml") && complaint.contains(said), "{complaint}");
        }
        // A refusal changes nothing.
        assert_eq!(fs::read_to_string(&secrets).unwrap(), text);
    }
    fs::write(&secrets, &right).unwrap();
    let folder = world.config.data_dir.parent().unwrap();
    assert_eq!(Roster::start(command(folder)).stop().code, Some(0));
}
