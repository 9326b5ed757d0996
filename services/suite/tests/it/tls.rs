//! TLS as an operator meets it: the README's commands, and a certificate that
//! is replaced under a running process.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command, time::Instant};

use chrono::{Datelike as _, NaiveDate, TimeDelta};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use roster_kernel::Env;
use tempfile::tempdir;

use crate::binary::{self, PATIENCE, Roster, command};

const README: &str = include_str!("../../../../README.md");

/// Issues a certificate for this machine by its name, which is its own
/// authority.
fn issue(folder: &Path) {
    issue_until(folder, NaiveDate::from_ymd_opt(4096, 1, 1).unwrap());
}

/// The same, valid until a day begins.
fn issue_until(folder: &Path, end: NaiveDate) {
    let signing_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let [month, day] = [end.month(), end.day()].map(|it| u8::try_from(it).unwrap());
    params.not_after = date_time_ymd(end.year(), month, day);
    let cert = params.self_signed(&signing_key).unwrap();
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

#[test]
fn a_certificate_that_expires_soon_is_complained_of_and_measured() {
    let folder = tempdir().unwrap();
    issue_until(folder.path(), Env::system().now().date_naive() + TimeDelta::days(3));
    let mut roster = Roster::start(encrypted(folder.path()));
    let metrics = roster.printed("metrics");
    let begun = Instant::now();
    let left = loop {
        let output = Command::new("curl").args(["-sf", &metrics]).output().unwrap();
        let scrape = String::from_utf8(output.stdout).unwrap();
        let metric = "roster_tls_certificate_time_left_seconds";
        let found = scrape.lines().find(|line| line.starts_with(metric));
        if let Some(line) = found {
            break line.rsplit(' ').next().unwrap().parse::<f64>().unwrap();
        }
        assert!(begun.elapsed() < PATIENCE, "{scrape}");
    };
    let day = 24.0 * 3_600.0;
    assert!(1.9 * day < left && left <= 3.0 * day, "{left}");
    let ended = roster.stop();
    assert_eq!(ended.stderr.matches("certificate expires soon").count(), 1, "{}", ended.stderr);
}
