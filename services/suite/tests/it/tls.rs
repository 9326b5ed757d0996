//! TLS as an operator meets it: the README's commands, and a certificate that
//! is replaced under a running process.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command, time::Instant};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::tempdir;

use crate::binary::{self, PATIENCE, Roster, command};

const README: &str = include_str!("../../../../README.md");

/// Issues a certificate for this machine by its name, which is its own
/// authority.
fn issue(folder: &Path) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    for (name, text) in [
        ("roster.pem", cert.pem()),
        ("ca.pem", cert.pem()),
        ("roster.key", signing_key.serialize_pem()),
    ] {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// The README's way of starting with TLS.
fn encrypted(folder: &Path) -> Command {
    let mut command = command(folder);
    let line = README.lines().find(|line| line.contains("ROSTER__TLS__CERTIFICATE=")).unwrap();
    for setting in line.split_whitespace().filter(|word| word.starts_with("ROSTER__TLS__")) {
        let (name, value) = setting.split_once('=').unwrap();
        command.env(name, value);
    }
    command
}

/// The README's way of calling with TLS: what it prints, errors included.
fn list(folder: &Path, port: u16) -> String {
    let line = README.lines().find(|line| line.contains("grpcurl -cacert")).unwrap();
    let line = line.replace("roster.example.org:8443", &format!("localhost:{port}"));
    let mut bash = Command::new("bash");
    let output = bash.args(["-c", &line]).current_dir(folder).output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn the_readme_encrypts_connections_and_replaces_the_certificate() {
    let folder = tempdir().unwrap();
    issue(folder.path());
    let mut roster = Roster::start(encrypted(folder.path()));
    let port = roster.address().port();
    let listed = list(folder.path(), port);
    assert!(listed.contains("roster.session.v1.SessionService"), "{listed}");

    issue(folder.path());
    let untrusted = list(folder.path(), port);
    assert!(untrusted.contains("certificate"), "{untrusted}");
    roster.signal("HUP");
    let begun = Instant::now();
    while !list(folder.path(), port).contains("roster.session.v1.SessionService") {
        assert!(begun.elapsed() < PATIENCE, "the certificate is not replaced");
    }
    let ended = roster.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("certificate replaced"), "{}", ended.stderr);
}

#[test]
fn a_key_that_others_can_read_keeps_roster_from_starting() {
    let folder = tempdir().unwrap();
    issue(folder.path());
    let key = folder.path().join("roster.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let ended = binary::run(encrypted(folder.path()));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("chmod 600 roster.key"), "{ended:?}");
    assert!(!folder.path().join("data").exists());
}
