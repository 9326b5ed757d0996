//! The command, apart from Roster, which the tests of `services/suite` run it
//! against.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::{Command, Output};

/// What nobody must get to see.
const TOKEN: &str = "rmt_a-token-of-somebody";

fn run(arguments: &[&str], token: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roster-example-client"));
    command.env_clear().args(arguments);
    if let Some(token) = token {
        command.env("ROSTER_TOKEN", token);
    }
    command.output().unwrap()
}

fn failure(arguments: &[&str], token: Option<&str>) -> String {
    let output = run(arguments, token);
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_token_comes_from_a_file_or_the_environment_and_is_not_shown() {
    let help = String::from_utf8(run(&["--help"], Some(TOKEN)).stdout).unwrap();
    assert!(help.contains("--token-file") && !help.contains("--token "), "{help}");
    assert!(!help.contains(TOKEN), "{help}");
    let missing = failure(&["list"], None);
    assert!(missing.contains("ROSTER_TOKEN"), "{missing}");
    let file = failure(&["--token-file", "/nowhere/token", "list"], Some(TOKEN));
    assert!(file.contains("/nowhere/token") && !file.contains(TOKEN), "{file}");
}

#[test]
fn what_cannot_be_done_is_said() {
    // Nobody listens there.
    let nobody = failure(&["--address", "http://127.0.0.1:1", "list"], Some(TOKEN));
    assert!(nobody.contains("http://127.0.0.1:1") && !nobody.contains(TOKEN), "{nobody}");
    let elsewhere = failure(&["--address", "http://192.0.2.1:8080", "list"], Some(TOKEN));
    assert!(elsewhere.contains("another machine") && !elsewhere.contains(TOKEN), "{elsewhere}");
    let half = failure(&["--certificate", "crm.pem", "list"], Some(TOKEN));
    assert!(half.contains("--key"), "{half}");
}
