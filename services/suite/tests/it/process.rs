//! The process as an operator meets it: what it prints, what it refuses, how
//! it ends.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use roster_proto::{
    identity::v1::{
        ChangePasswordRequest, CreateUserRequest, DisableUserRequest, ListUsersRequest,
    },
    session::v1::LoginRequest,
};
use tempfile::tempdir;
use tokio::task::JoinSet;
use tonic::Status;

use crate::{
    binary::{self, Ended, Roster, command},
    client::{Client, reason},
    database,
    world::{PASSWORD, person},
};

pub async fn sign_in(nobody: &Client, username: &str, password: &str) -> Result<Client, Status> {
    let (username, password) = (username.to_owned(), password.to_owned());
    let request = LoginRequest { username, password, ..LoginRequest::default() };
    let answer = nobody.sessions().login(request).await?.into_inner();
    Ok(nobody.with_token(&answer.token, &answer.session.unwrap().user_id))
}

pub fn user(username: &str) -> CreateUserRequest {
    CreateUserRequest { username: username.to_owned(), ..person() }
}

pub async fn usernames(admin: &Client) -> Vec<String> {
    let request = ListUsersRequest { page_size: 200, ..ListUsersRequest::default() };
    let answer = admin.users().list_users(request).await.unwrap().into_inner();
    answer.users.into_iter().map(|user| user.username).collect()
}

/// `command` with a variable set.
pub fn with(mut command: Command, name: &str, value: &str) -> Command {
    command.env(name, value);
    command
}

fn with_arg(mut command: Command, argument: &str) -> Command {
    command.arg(argument);
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_first_start_prints_where_everything_is_and_the_password_once() {
    let folder = tempdir().unwrap();
    let mut first = Roster::start(command(folder.path()));
    let data = folder.path().join("data");
    assert_eq!(first.printed("data directory"), data.to_str().unwrap());
    assert_eq!(first.printed("administrator"), "admin");
    let password = first.printed("password");
    assert!(password.len() >= 20, "{password}");
    sign_in(&first.connect().await, "admin", &password).await.unwrap();
    let first = first.stop();
    assert_eq!(first.stdout.matches(&password).count(), 1, "{}", first.stdout);
    assert!(!first.stderr.contains(&password), "{}", first.stderr);

    let mut second = Roster::start(command(folder.path()));
    sign_in(&second.connect().await, "admin", &password).await.unwrap();
    let second = second.stop();
    for word in ["password", "administrator"] {
        assert!(!second.stdout.contains(word), "{}", second.stdout);
    }
    assert!(!second.stderr.contains(&password), "{}", second.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_given_password_counts_once_and_is_not_repeated() {
    let folder = tempdir().unwrap();
    let mut first = Roster::start(with(command(folder.path()), "ADMIN_PASSWORD", "given at first"));
    sign_in(&first.connect().await, "admin", "given at first").await.unwrap();
    let first = first.stop();
    assert!(first.stdout.contains("as given by ADMIN_PASSWORD"), "{}", first.stdout);
    assert!(!format!("{first:?}").contains("given at first"), "{first:?}");

    let mut second = Roster::start(with(command(folder.path()), "ADMIN_PASSWORD", "given later"));
    let nobody = second.connect().await;
    sign_in(&nobody, "admin", "given later").await.unwrap_err();
    sign_in(&nobody, "admin", "given at first").await.unwrap();
    assert!(!second.stop().stdout.contains("ADMIN_PASSWORD"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_first_start_that_fails_draws_no_password_that_nobody_sees() {
    let folder = tempdir().unwrap();
    let migrated = binary::run(with_arg(command(folder.path()), "migrate"));
    assert_eq!(migrated.code, Some(0), "{migrated:?}");
    let rename = |from: &str, to: &str| format!("alter table {from} rename to {to}");
    let persona = folder.path().join("data/persona.db");
    database::execute(&persona, &rename("ledger_position", "hidden")).await;
    let failed = binary::run(command(folder.path()));
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(!failed.stdout.contains("password"), "{failed:?}");

    database::execute(&persona, &rename("hidden", "ledger_position")).await;
    let mut mended = Roster::start(command(folder.path()));
    let password = mended.printed("password");
    sign_in(&mended.connect().await, "admin", &password).await.unwrap();
    mended.stop();
}

#[test]
fn what_is_kept_is_for_its_owner_alone() {
    let folder = tempdir().unwrap();
    Roster::start(command(folder.path())).stop();
    let data = folder.path().join("data");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("secrets.toml")), 0o600);
}

/// A failure to start: one line that says what to do about it, and nothing of
/// how the program is made.
#[track_caller]
pub fn refused(command: Command, named: &[&str]) -> Ended {
    let ended = binary::run(command);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.stdout, "", "{ended:?}");
    let complaints: Vec<_> =
        ended.stderr.lines().filter(|line| line.starts_with("roster: ")).collect();
    let [complaint] = complaints[..] else { panic!("not one complaint: {ended:?}") };
    assert_eq!(ended.stderr.lines().last(), Some(complaint), "{ended:?}");
    for name in named {
        assert!(complaint.contains(name), "{name}: {complaint}");
    }
    for inside in ["panicked", "src/", "RUST_BACKTRACE", "DbErr", "Sqlx"] {
        assert!(!ended.stderr.contains(inside), "{ended:?}");
    }
    ended
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    let folder = tempdir().unwrap();
    for (name, value, named) in [
        ("ROSTER__SESSION__TIMEOUT", "3", "session.timeout"),
        ("ROSTER__SESSION__TIMEOUT_DAYS", "0", "session.timeout_days"),
        ("SESSION_TIMEOUT_DAYS", "three", "three"),
        ("ALLOW_REGISTRATION", "perhaps", "in ALLOW_REGISTRATION"),
        ("ROSTER__LISTEN", "0.0.0.0:0", "allow_plaintext"),
        ("ROSTER__LISTEN", "nowhere", "listen"),
        ("ROSTER__TLS__KEY", "/nowhere/key.pem", "tls"),
        ("ROSTER__SERVER__MAX_CONNECTIONS", "0", "server.max_connections"),
        ("ROSTER__LOG__FILTER", "roster=loud", "log.filter"),
        ("ADMIN_PASSWORD", "short", "ADMIN_PASSWORD"),
    ] {
        refused(with(command(folder.path()), name, value), &[named]);
    }
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_what_is_wrong() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("roster.toml");
    let path = file.to_str().unwrap();
    let with_file = || {
        let mut command = command(folder.path());
        command.args(["--config", path]);
        command
    };
    refused(with_file(), &["roster.toml"]);
    for (text, named) in [
        ("data_dri = '/tmp'", "data_dri"),
        ("[session]\ntimeout_days = 'many'", "session.timeout_days"),
        ("listen = ", "roster.toml"),
        ("[sessions]\ntimeout_days = 1", "sessions"),
    ] {
        fs::write(&file, text).unwrap();
        refused(with_file(), &[named, "roster.toml"]);
    }
}

#[test]
fn a_port_in_use_leaves_nothing_behind() {
    let folder = tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refused(with(command(folder.path()), "ROSTER__LISTEN", &address), &[&address]);
    // Not an administrator whose password nobody has seen, either.
    assert!(!folder.path().join("data").exists());
    drop(taken);
    let mut roster = Roster::start(command(folder.path()));
    assert!(!roster.printed("password").is_empty());
}

#[test]
fn a_data_directory_that_cannot_be_used_is_named() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("data"), "a file").unwrap();
    refused(command(folder.path()), &["data directory", folder.path().to_str().unwrap()]);
    let nowhere = with(command(folder.path()), "ROSTER__DATA_DIR", "/proc/roster");
    refused(nowhere, &["data directory", "/proc/roster"]);
}

#[test]
fn data_without_its_secrets_is_left_alone() {
    let folder = tempdir().unwrap();
    Roster::start(command(folder.path())).stop();
    let secrets = folder.path().join("data/secrets.toml");
    let kept = fs::read(&secrets).unwrap();
    fs::remove_file(&secrets).unwrap();
    refused(command(folder.path()), &["secrets.toml", "backup"]);
    assert!(!secrets.exists());
    fs::write(&secrets, &kept).unwrap();
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o644)).unwrap();
    refused(command(folder.path()), &["secrets.toml", "chmod 600"]);
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o600)).unwrap();
    Roster::start(command(folder.path()));
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let folder = tempdir().unwrap();
    Roster::start(command(folder.path())).stop();
    let database = folder.path().join("data/session.db");
    let foreign = "something else altogether, and for longer than a header. ".repeat(20);
    fs::write(&database, &foreign).unwrap();
    refused(command(folder.path()), &["session.db"]);
    assert_eq!(fs::read_to_string(&database).unwrap(), foreign);
}

#[test]
fn a_plan_says_which_migrations_would_run_and_makes_nothing() {
    let folder = tempdir().unwrap();
    let migrate = |arguments: &[&str]| {
        let mut command = with_arg(command(folder.path()), "migrate");
        command.args(arguments);
        let ended = binary::run(command);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.stdout
    };
    let planned = migrate(&["--plan"]);
    assert!(planned.contains("identity: would apply m0001_ledger\n"), "{planned}");
    assert!(!folder.path().join("data").exists());
    assert_eq!(migrate(&[]), planned.replace("would apply", "applied"));
    let planned = migrate(&["--plan"]);
    assert_eq!(planned, "identity: up to date\npersona: up to date\nsession: up to date\n");
}

#[test]
fn secrets_are_made_once_where_they_are_wanted() {
    let folder = tempdir().unwrap();
    // A name alone is of the folder that one is in.
    for file in ["secrets.toml", "./other.toml"] {
        let make = || {
            let mut command = command(folder.path());
            command.args(["secrets", file]);
            command
        };
        let ended = binary::run(make());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let path = folder.path().join(file);
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        refused(make(), &[file]);
    }
}

#[test]
fn the_command_line_explains_itself() {
    let folder = tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = command(folder.path());
        command.args(arguments);
        binary::run(command)
    };
    let help = run(&["--help"]);
    assert_eq!(help.code, Some(0));
    for word in [
        "serve",
        "migrate",
        "reconcile",
        "participants",
        "admin",
        "verify-export",
        "--config",
        "ROSTER__SECTION__KEY",
    ] {
        assert!(help.stdout.contains(word), "{word}: {}", help.stdout);
    }
    let version = run(&["--version"]);
    assert_eq!(version.code, Some(0));
    assert_eq!(version.stdout, concat!("roster ", env!("CARGO_PKG_VERSION"), "\n"));
    let unknown = run(&["migrat"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("'migrat'"), "{}", unknown.stderr);
    assert!(!folder.path().join("data").exists());
}

#[test]
fn migrating_says_what_it_did_and_a_start_goes_on_from_there() {
    let folder = tempdir().unwrap();
    let run = |name: &str| {
        let mut command = command(folder.path());
        command.arg(name);
        let ended = binary::run(command);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.stdout
    };
    let first = run("migrate");
    for service in ["identity", "persona", "session"] {
        assert!(first.contains(&format!("{service}: applied ")), "{first}");
    }
    let nothing_left = "identity: up to date\npersona: up to date\nsession: up to date\n";
    assert_eq!(run("migrate"), nothing_left);
    let mut roster = Roster::start(command(folder.path()));
    assert!(!roster.printed("password").is_empty());
    roster.stop();
    assert_eq!(run("migrate"), nothing_left);
    let reconciled = run("reconcile");
    for service in ["persona", "session"] {
        assert!(reconciled.contains(&format!("{service}: ")), "{reconciled}");
    }
}

/// Whoever joins comes over the network, which one process has none of.
#[test]
fn nobody_joins_an_installation_of_one_process() {
    let folder = tempdir().unwrap();
    for arguments in [&["list"][..], &["add", "notes", "--address", "a:1"], &["retire", "notes"]] {
        let mut command = command(folder.path());
        command.arg("participants").args(arguments);
        refused(command, &["several processes", "events.servers"]);
    }
    for (arguments, why) in [
        (["session", "--address", "a:1"], "name of Roster's own"),
        (["notes", "--address", "nowhere"], "host:port"),
    ] {
        let mut command = command(folder.path());
        command.args(["participants", "add"]).args(arguments);
        refused(command, &[why]);
    }
    assert!(!folder.path().join("data").exists());
}

/// `roster admin recover` with further arguments.
fn recover(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = command(folder);
    command.args(["admin", "recover", "--username"]).args(arguments);
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_team_that_is_locked_out_gets_an_administrator_again() {
    let folder = tempdir().unwrap();
    let mut roster = Roster::start(with(command(folder.path()), "ADMIN_PASSWORD", PASSWORD));
    let admin = sign_in(&roster.connect().await, "admin", PASSWORD).await.unwrap();
    let mara = admin.users().create_user(user("mara")).await.unwrap().into_inner().user.unwrap();
    let hers = sign_in(&roster.connect().await, "mara", PASSWORD).await.unwrap();
    let disable = DisableUserRequest { user_id: mara.user_id, ..Default::default() };
    admin.users().disable_user(disable).await.unwrap();
    roster.stop();

    let ended = binary::run(recover(folder.path(), &["Mara"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("administrator   mara (recovered"), "{}", ended.stdout);
    let password = printed_password(&ended);

    let mut roster = Roster::start(command(folder.path()));
    let nobody = roster.connect().await;
    assert!(!nobody.with_token(hers.token(), &hers.user_id).is_signed_in().await);
    sign_in(&nobody, "mara", PASSWORD).await.unwrap_err();
    let mara = sign_in(&nobody, "mara", &password).await.unwrap();
    let list = mara.users().list_users(ListUsersRequest::default()).await;
    assert_eq!(reason(list).1, "PASSWORD_CHANGE_REQUIRED");
    let change = ChangePasswordRequest {
        current_password: password,
        new_password: "known to her alone".to_owned(),
        ..Default::default()
    };
    mara.account().change_password(change).await.unwrap();
    assert_eq!(usernames(&mara).await, ["mara", "admin"]);
}

/// The password that was printed, which is nowhere else.
fn printed_password(ended: &Ended) -> String {
    let password = ended.stdout.lines().find_map(|line| line.strip_prefix("  password"));
    let password = password.expect("a password").trim().to_owned();
    assert_eq!(password.len(), 24);
    assert_eq!(ended.stdout.matches(&password).count(), 1, "{}", ended.stdout);
    assert!(!ended.stderr.contains(&password), "{}", ended.stderr);
    password
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_recovery_creates_nobody_and_nothing_by_mistake() {
    let folder = tempdir().unwrap();
    // A mistyped path is no new installation.
    refused(recover(folder.path(), &["mara", "--create"]), &["no data", "ROSTER__DATA_DIR"]);
    assert!(!folder.path().join("data").exists());
    Roster::start(command(folder.path())).stop();
    refused(recover(folder.path(), &["mara"]), &["no user mara", "--create"]);
    refused(recover(folder.path(), &["m", "--create"]), &["username"]);

    let ended = binary::run(recover(folder.path(), &["mara", "--create"]));
    assert!(ended.stdout.contains("administrator   mara (created)"), "{ended:?}");
    let password = printed_password(&ended);
    let mut roster = Roster::start(command(folder.path()));
    let mara = sign_in(&roster.connect().await, "mara", &password).await.unwrap();
    let list = mara.users().list_users(ListUsersRequest::default()).await;
    assert_eq!(reason(list).1, "PASSWORD_CHANGE_REQUIRED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn calls_accepted_before_sigterm_get_their_answers() {
    const CALLS: usize = 40;
    let folder = tempdir().unwrap();
    let mut roster = Roster::start(with(command(folder.path()), "ADMIN_PASSWORD", PASSWORD));
    let address = roster.address();
    let nobody = roster.connect().await;
    let admin = sign_in(&nobody, "admin", PASSWORD).await.unwrap();
    // Each has a password to hash: they queue, and the last has long been
    // accepted when the first is answered.
    let mut calls = JoinSet::new();
    for number in 0..CALLS {
        let mut users = admin.users();
        calls.spawn(async move { users.create_user(user(&format!("user-{number}"))).await });
    }
    calls.join_next().await.unwrap().unwrap().unwrap();
    roster.signal("TERM");
    let mut later = 0;
    while let Some(call) = calls.join_next().await {
        call.unwrap().unwrap();
        later += 1;
    }
    assert_eq!(later, CALLS - 1);
    let ended = roster.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("opentelemetry"), "{}", ended.stderr);
    assert!(TcpStream::connect(address).is_err());

    let mut roster = Roster::start(command(folder.path()));
    let admin = sign_in(&roster.connect().await, "admin", PASSWORD).await.unwrap();
    assert_eq!(usernames(&admin).await.len(), CALLS + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn logs_are_json_and_hold_nothing_personal_and_no_secret() {
    let folder = tempdir().unwrap();
    let command = with(command(folder.path()), "ROSTER__LOG__FORMAT", "json");
    let mut roster = Roster::start(with(command, "ROSTER__LOG__FILTER", "debug"));
    let generated = roster.printed("password");
    let nobody = roster.connect().await;
    let admin = sign_in(&nobody, "admin", &generated).await.unwrap();
    let request = CreateUserRequest {
        display_name: "Zaphod Beeblebrox".to_owned(),
        email: "zaphod@heart-of-gold.example".to_owned(),
        password: "the improbable password".to_owned(),
        ..user("zaphod-b")
    };
    admin.users().create_user(request.clone()).await.unwrap();
    admin.users().create_user(request).await.unwrap_err();
    let zaphod = sign_in(&nobody, "zaphod-b", "the improbable password").await.unwrap();
    sign_in(&nobody, "zaphod-b", "a mistyped password").await.unwrap_err();
    sign_in(&nobody, "trillian-m", "an unknown password").await.unwrap_err();
    let delete = roster_proto::identity::v1::DeleteUserRequest {
        user_id: zaphod.user_id.clone(),
        ..Default::default()
    };
    admin.users().delete_user(delete).await.unwrap();
    assert!(!zaphod.is_signed_in().await);
    let (admin_token, token) = (admin.token().to_owned(), zaphod.token().to_owned());

    let log = roster.stop().stderr;
    for line in log.lines() {
        let line: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
    }
    assert!(log.lines().count() > 3, "{log}");
    for secret in
        [&generated, &admin_token, &token, "rst_", "improbable", "mistyped", "an unknown password"]
    {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
    for personal in ["zaphod", "Zaphod", "Beeblebrox", "heart-of-gold", "trillian"] {
        assert!(!log.contains(personal), "{personal}: {log}");
    }
}

/// The secrets are the first that a process makes, long before it serves.
#[test]
fn who_is_told_to_end_while_starting_still_ends_in_order() {
    let folder = tempdir().unwrap();
    let secrets = folder.path().join("data/secrets.toml");
    let mut roster = Roster::spawn(command(folder.path()));
    let begun = Instant::now();
    while !secrets.exists() {
        assert!(begun.elapsed() < binary::PATIENCE, "nothing is made");
        std::thread::yield_now();
    }
    let ended = roster.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("stopped"), "{}", ended.stderr);
}

/// Speaks HTTP/2 as far as it must, and then does not answer any more.
#[test]
fn a_client_that_does_not_listen_does_not_hold_up_the_end() {
    let folder = tempdir().unwrap();
    let mut roster = Roster::start(command(folder.path()));
    let mut deaf = TcpStream::connect(roster.address()).unwrap();
    deaf.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        .unwrap();
    // Its settings are the first that the server sends: it has been let in.
    deaf.read_exact(&mut [0; 9]).unwrap();
    let begun = Instant::now();
    let ended = roster.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}
