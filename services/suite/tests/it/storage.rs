//! Faults of what everything is kept on: a clear refusal, and nothing that was
//! acknowledged is lost.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    os::unix::process::CommandExt as _,
    path::Path,
    process::Command,
};

use roster_proto::identity::v1::UpdateUserRequest;
use roster_suite::{RosterConfig, StartError, Suite};
use tempfile::tempdir;
use tokio::time::timeout;
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest,
    health_check_response::ServingStatus::{self, NotServing, Serving},
    health_client::HealthClient,
};

use crate::{
    binary::{self, PATIENCE, Roster, command},
    client::{Client, reason},
    database,
    process::{refused, sign_in, user, usernames, with},
    world::{PASSWORD, World},
};

/// A disk that fills up when `limit` says so: beyond a limit of their own,
/// writes of a process fail, once the signal that would end it is ignored.
const NOT_YET: &str = "unlimited";

/// The process on a disk with so much room, in blocks of 1 KiB for each file.
fn with_room(command: &Command, room: &str) -> Command {
    let script = format!("trap '' XFSZ; ulimit -S -f {room}; exec \"$0\"");
    let mut limited = Command::new("/bin/bash");
    limited.args(["-c", &script]).arg(command.get_program()).env_clear();
    for (name, value) in command.get_envs() {
        limited.env(name, value.unwrap());
    }
    limited
}

/// Allows files to be written up to an offset.
fn limit(roster: &Roster, bytes: &str) {
    let mut prlimit = Command::new("prlimit");
    prlimit.args(["--pid", &roster.id().to_string(), &format!("--fsize={bytes}:unlimited")]);
    assert!(prlimit.status().unwrap().success());
}

async fn until_health_is(roster: &mut Roster, expected: ServingStatus) {
    let mut client = HealthClient::new(roster.channel().await);
    let mut states =
        client.watch(HealthCheckRequest { service: String::new() }).await.unwrap().into_inner();
    let becomes = async { while states.message().await.unwrap().unwrap().status() != expected {} };
    timeout(PATIENCE, becomes).await.expect("health that tells the truth");
}

async fn demote(admin: &Client, user_id: &str) -> Result<(), tonic::Status> {
    let request = UpdateUserRequest {
        user_id: user_id.to_owned(),
        is_admin: Some(false),
        ..UpdateUserRequest::default()
    };
    admin.users().update_user(request).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_full_disk_refuses_writes_and_loses_nothing() {
    let folder = tempdir().unwrap();
    let command = with(command(folder.path()), "ADMIN_PASSWORD", PASSWORD);
    let mut roster = Roster::start(with_room(&command, NOT_YET));
    let nobody = roster.connect().await;
    let admin = sign_in(&nobody, "admin", PASSWORD).await.unwrap();
    let before = admin.users().create_user(user("before")).await.unwrap().into_inner();
    let user_id = before.user.unwrap().user_id;

    limit(&roster, "4096");
    let full = (Code::ResourceExhausted, "STORAGE_FULL".to_owned());
    for attempt in 0..3 {
        let name = format!("refused-{attempt}");
        assert_eq!(reason(admin.users().create_user(user(&name)).await), full);
        assert_eq!(demote(&admin, &user_id).await.unwrap_err().code(), Code::ResourceExhausted);
        sign_in(&nobody, "before", PASSWORD).await.unwrap_err();
        // Who is signed in stays so, and reads.
        assert_eq!(usernames(&admin).await, ["before", "admin"]);
    }
    until_health_is(&mut roster, NotServing).await;
    assert_eq!(usernames(&admin).await, ["before", "admin"]);

    limit(&roster, "unlimited");
    admin.users().create_user(user("after")).await.unwrap();
    demote(&admin, &user_id).await.unwrap();
    sign_in(&nobody, "before", PASSWORD).await.unwrap();
    until_health_is(&mut roster, Serving).await;
    assert_eq!(usernames(&admin).await, ["after", "before", "admin"]);
    roster.kill();
    let log = roster.wait().stderr;
    assert!(log.contains("writes are refused"), "{log}");

    let mut roster = Roster::start(command);
    let admin = sign_in(&roster.connect().await, "admin", PASSWORD).await.unwrap();
    assert_eq!(usernames(&admin).await, ["after", "before", "admin"]);
    assert_eq!(roster.stop().code, Some(0));
}

#[test]
fn a_start_without_room_says_so_and_one_with_room_goes_on() {
    let folder = tempdir().unwrap();
    let limited = with_room(&command(folder.path()), "16");
    refused(limited, &["identity.db", "make room", "nothing that was acknowledged is lost"]);
    let mut roster = Roster::start(command(folder.path()));
    assert!(!roster.printed("password").is_empty());
}

#[test]
fn what_is_for_existing_data_makes_none() {
    let folder = tempdir().unwrap();
    for arguments in ["reconcile", "rotate-keys", "admin recover --username admin --create"] {
        let mut mistyped = command(folder.path());
        mistyped.args(arguments.split_whitespace());
        refused(mistyped, &["there is no data in", "ROSTER__DATA_DIR"]);
    }
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_data_directory_is_for_one_process_at_a_time() {
    let folder = tempdir().unwrap();
    let mut first = Roster::start(command(folder.path()));
    let holder = format!("process {};", first.id());
    for arguments in
        ["serve", "migrate", "reconcile", "rotate-keys", "admin recover --username admin"]
            .map(str::split_whitespace)
    {
        let mut second = command(folder.path());
        second.args(arguments);
        refused(second, &["data directory", "in use", &holder, "stop"]);
    }
    assert_eq!(first.stop().code, Some(0));
    let mut second = Roster::start(command(folder.path()));
    // A lock is not what is left of one.
    second.kill();
    second.wait();
    Roster::start(command(folder.path()));
}

#[tokio::test]
async fn two_suites_in_one_process_do_not_share_a_data_directory_either() {
    let world = World::new().await;
    let config = RosterConfig { listen: "127.0.0.1:0".parse().unwrap(), ..world.config.clone() };
    let hash_params = config.identity.hash_params();
    let second = Suite::assemble(&config, world.env.clone(), hash_params).await;
    assert!(matches!(second, Err(StartError::Lock(_))), "{second:?}");
    let config = world.config.clone();
    let env = world.env.clone();
    world.suite.stop().await;
    Suite::assemble(&config, env, hash_params).await.unwrap().stop().await;
}

/// The command as a user who is not above permissions. The binary goes where
/// that user can reach it.
fn as_anybody(folder: &Path) -> Command {
    let ordinary = command(folder);
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if !is_root {
        return ordinary;
    }
    let program = folder.join("roster");
    if !program.exists() {
        fs::copy(ordinary.get_program(), &program).unwrap();
    }
    chown(folder, Some(ANYBODY), Some(ANYBODY)).unwrap();
    let mut command = Command::new(program);
    command.env_clear().current_dir(folder).uid(ANYBODY).gid(ANYBODY);
    for (name, value) in ordinary.get_envs() {
        command.env(name, value.unwrap());
    }
    command
}

const ANYBODY: u32 = 65_534;

#[test]
fn a_data_directory_that_cannot_be_written_is_refused() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    Roster::start(as_anybody(folder.path())).stop();
    let allow = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(&data, 0o500);
    fs::remove_file(data.join("roster.lock")).unwrap();
    refused(as_anybody(folder.path()), &["data directory", "cannot write", "must belong to"]);
    allow(&data, 0o700);
    for name in ["identity.db", "persona.db", "session.db"] {
        // Only read, or not at all.
        for mode in [0o400, 0o000] {
            allow(&data.join(name), mode);
            refused(as_anybody(folder.path()), &[name, "must belong to"]);
        }
        allow(&data.join(name), 0o600);
    }
    allow(&data.join("secrets.toml"), 0o000);
    refused(as_anybody(folder.path()), &["secrets.toml"]);
    allow(&data.join("secrets.toml"), 0o600);
    Roster::start(as_anybody(folder.path()));
}

#[test]
fn a_damaged_database_is_refused_and_left_as_it_is() {
    let folder = tempdir().unwrap();
    Roster::start(command(folder.path())).stop();
    for name in ["identity.db", "persona.db", "session.db"] {
        let path = folder.path().join("data").join(name);
        let whole = fs::read(&path).unwrap();
        let middle = whole.len() / 4096 / 2 * 4096;
        let (mut header, mut page) = (whole.clone(), whole.clone());
        header[..100].fill(0x5a);
        page[middle..middle + 4096].fill(0x5a);
        let cut = whole[..middle + 100].to_vec();
        for damaged in [header, page, cut] {
            fs::write(&path, &damaged).unwrap();
            refused(command(folder.path()), &[name, "damaged", "backup"]);
            assert!(fs::read(&path).unwrap() == damaged, "{name} was written");
        }
        fs::write(&path, &whole).unwrap();
    }
    Roster::start(command(folder.path()));
}

#[test]
fn a_missing_database_is_refused_and_not_made_anew() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    Roster::start(command(folder.path())).stop();
    for name in ["identity.db", "persona.db", "session.db"] {
        let path = data.join(name);
        let whole = fs::read(&path).unwrap();
        for emptied in [false, true] {
            fs::remove_file(&path).unwrap();
            if emptied {
                fs::write(&path, "").unwrap();
            }
            for arguments in ["serve", "migrate", "reconcile", "rotate-keys"] {
                let mut command = command(folder.path());
                command.arg(arguments);
                refused(command, &[name, "missing", "backup"]);
            }
            assert_eq!(fs::metadata(&path).map_or(0, |file| file.len()), 0, "{name} was made");
            fs::write(&path, &whole).unwrap();
        }
    }
    Roster::start(command(folder.path())).stop();

    // A first start that ended before there was an administrator goes on.
    for made in [&[][..], &["identity.db"], &["identity.db", "persona.db"]] {
        let folder = tempdir().unwrap();
        let mut first = command(folder.path());
        first.arg("migrate");
        assert_eq!(binary::run(first).code, Some(0));
        for name in ["identity.db", "persona.db", "session.db"] {
            if !made.contains(&name) {
                fs::remove_file(folder.path().join("data").join(name)).unwrap();
            }
        }
        let mut roster = Roster::start(command(folder.path()));
        assert!(!roster.printed("password").is_empty());
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let folder = tempdir().unwrap();
    Roster::start(command(folder.path())).stop();
    let session = folder.path().join("data/session.db");
    database::execute(&session, "INSERT INTO seaql_migrations VALUES ('m9999_later', 0)").await;
    let newer = ["session.db", "newer version", "m9999_later", "backup from before"];
    refused(command(folder.path()), &newer);
}

/// A power cut may leave half a transaction at the end of the log: what comes
/// before it stands.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_log_that_ends_within_a_transaction_is_taken_up_to_there() {
    let folder = tempdir().unwrap();
    let command = || with(binary::command(folder.path()), "ADMIN_PASSWORD", PASSWORD);
    let mut roster = Roster::start(command());
    let admin = sign_in(&roster.connect().await, "admin", PASSWORD).await.unwrap();
    let log = folder.path().join("data/identity.db-wal");
    admin.users().create_user(user("first")).await.unwrap();
    let length = fs::metadata(&log).unwrap().len();
    admin.users().create_user(user("second")).await.unwrap();
    assert!(fs::metadata(&log).unwrap().len() > length + 200);
    roster.kill();
    roster.wait();
    let file = fs::OpenOptions::new().write(true).open(&log).unwrap();
    file.set_len(length + 200).unwrap();
    let mut roster = Roster::start(command());
    let admin = sign_in(&roster.connect().await, "admin", PASSWORD).await.unwrap();
    assert_eq!(usernames(&admin).await, ["first", "admin"]);
    admin.users().create_user(user("second")).await.unwrap();
}
