//! The API is as its document says: read by a validator, and tried by
//! schemathesis against a real process.

use std::{env, fs, path::PathBuf, process::Command};

use axum::body::{Body, to_bytes};
use http::Request;
use roster_proto::identity::v1::CreateUserRequest;
use tempfile::tempdir;
use tower::ServiceExt as _;

use crate::{
    binary::{Roster, command},
    process::{sign_in, user, with},
    world::{ADMIN_PASSWORD, PASSWORD},
};

/// Where the document is.
const DOCUMENT: &str = "/api/openapi.json";

/// What schemathesis knows of Roster beside the document.
const SETTINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemathesis");

/// The most that is shown of a line: a request of a thousand ids is one.
const WIDTH: usize = 600;

/// Where the tool is, and how much of it is wanted.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests themselves")]
fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: cargo xtask schemathesis sets it"))
}

fn tool(name: &str) -> PathBuf {
    PathBuf::from(variable("ROSTER_TEST_SCHEMATHESIS")).with_file_name(name)
}

/// Runs a command that has to find nothing.
fn run(mut command: Command) {
    let output = command.output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    let cut = |line: &str| line.chars().take(WIDTH).chain(['\n']).collect::<String>();
    assert!(output.status.success(), "{}", told.lines().map(cut).collect::<String>());
}

#[tokio::test]
#[ignore = "wants openapi-spec-validator: cargo xtask schemathesis"]
async fn the_document_is_valid() {
    let request = Request::get(DOCUMENT).body(Body::empty()).unwrap();
    let answer = roster_gateway::docs::router().oneshot(request).await.unwrap();
    let document = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    let folder = tempdir().unwrap();
    let file = folder.path().join("openapi.json");
    fs::write(&file, document).unwrap();
    let mut validate = Command::new(tool("openapi-spec-validator"));
    validate.args(["--schema", "3.1"]).arg(file);
    run(validate);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "wants schemathesis: cargo xtask schemathesis"]
async fn it_is_true_for_an_administrator() {
    try_as(Some("keeper"), variable("ROSTER_EXAMPLES").parse().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "wants schemathesis: cargo xtask schemathesis"]
async fn it_is_true_for_a_user() {
    // Most of it is refused for the same reason.
    let examples = variable("ROSTER_EXAMPLES").parse::<u64>().unwrap().div_ceil(2);
    try_as(Some("person"), examples).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "wants schemathesis: cargo xtask schemathesis"]
async fn it_is_true_for_nobody() {
    let examples = variable("ROSTER_EXAMPLES").parse::<u64>().unwrap().div_ceil(4);
    try_as(None, examples).await;
}

/// Tries every operation, with at least `examples` requests each, on a process of
/// its own.
async fn try_as(username: Option<&str>, examples: u64) {
    let folder = tempdir().unwrap();
    let starting = with(command(folder.path()), "ADMIN_PASSWORD", ADMIN_PASSWORD);
    let mut roster = Roster::start(with(starting, "ALLOW_REGISTRATION", "true"));
    let nobody = roster.connect().await;
    let admin = sign_in(&nobody, "admin", ADMIN_PASSWORD).await.unwrap();
    let mut kept = vec![admin.user_id.clone()];
    for (name, is_admin) in [("keeper", true), ("person", false)] {
        let request = CreateUserRequest { is_admin, ..user(name) };
        let created = admin.users().create_user(request).await.unwrap().into_inner();
        kept.push(created.user.unwrap().user_id);
    }
    let mut attempt = Command::new(tool("schemathesis"));
    attempt.args(["--config-file", "schemathesis.toml", "run"]);
    attempt.arg(format!("http://{}{DOCUMENT}", roster.address()));
    attempt.args(["--phases", "coverage,fuzzing,stateful"]);
    attempt.args(["--max-examples", &examples.to_string()]);
    attempt.args(["--seed", &variable("ROSTER_EXAMPLES_SEED")]);
    attempt.current_dir(SETTINGS).env("PYTHONPATH", SETTINGS);
    // Nothing is written beside the settings.
    attempt.env("PYTHONDONTWRITEBYTECODE", "1").env("ROSTER_KEPT", kept.join(","));
    attempt.env_remove("ROSTER_USERNAME");
    if let Some(username) = username {
        attempt.env("ROSTER_USERNAME", username).env("ROSTER_PASSWORD", PASSWORD);
    }
    run(attempt);
    let ended = roster.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}
