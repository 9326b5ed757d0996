//! What is under `deploy` fits to the program: a setting that it does not know
//! would keep it from starting.

mod chart;

use std::path::Path;

use clap::Parser as _;
use roster_suite::{RosterConfig, cli::Cli, load};
use serde_json::Value;

/// The settings of a process that is started with `variables`.
fn settings(what: &str, variables: Vec<(String, String)>) -> RosterConfig {
    match load(None, variables) {
        Ok((config, _password)) => config,
        Err(error) => panic!("{what}: {error}"),
    }
}

/// Fails where `roster` does not understand the command.
fn assert_understood(what: &str, arguments: &[String]) {
    let all = ["roster".to_owned()].into_iter().chain(arguments.iter().cloned());
    if let Err(error) = Cli::try_parse_from(all)
        && error.use_stderr()
    {
        panic!("{what}: {error}");
    }
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.map(|it| it.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_containers_of_the_compose_file_are_started_with_settings_that_exist() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/compose");
    let text = std::fs::read_to_string(Path::new(folder).join("compose.yaml")).unwrap();
    let compose: Value = serde_saphyr::from_str(&text).unwrap();
    let mut started = 0;
    for (name, service) in compose["services"].as_object().unwrap() {
        if service["image"] != "roster" {
            continue;
        }
        started += 1;
        assert_understood(name, &texts(&service["command"]));
        assert_eq!((&service["read_only"], &service["cap_drop"][0]), (&true.into(), &"ALL".into()));
        let given = service["environment"].as_object().into_iter().flatten();
        let given = given.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
        let config = settings(name, given.collect());
        // What a process reads is put there.
        let read = [&config.secrets_file, &config.peers.certificate, &config.peers.assertion_keys];
        for file in read.into_iter().filter(|file| !file.as_os_str().is_empty()) {
            assert!(file.starts_with("/certs"), "{name}: {}", file.display());
            assert_eq!(texts(&service["volumes"]), ["certs:/certs:ro"], "{name}");
        }
    }
    assert_eq!(started, 6);
    // What stands for a password there is asked for in the example.
    let example = std::fs::read_to_string(Path::new(folder).join(".env.example")).unwrap();
    for variable in text.split("${").skip(1).filter_map(|it| it.split_once(":?}")) {
        assert!(example.contains(&format!("\n{}=", variable.0)), "{}", variable.0);
    }
}

#[test]
fn the_image_is_of_the_program_and_for_nobody_special() {
    let text = include_str!("../../../../deploy/container/Dockerfile");
    let lines: Vec<_> = text.lines().collect();
    let line = |start: &str| lines.iter().rfind(|line| line.starts_with(start)).copied();
    assert_eq!(line("ENTRYPOINT"), Some("ENTRYPOINT [\"/usr/local/bin/roster\"]"));
    assert!(line("FROM").unwrap().ends_with(":nonroot"), "{:?}", line("FROM"));
    let toolchain = line("FROM rust:").unwrap();
    assert!(toolchain.contains(concat!("rust:", env!("CARGO_PKG_RUST_VERSION"))), "{toolchain}");
    let variables = lines.iter().filter_map(|line| line.strip_prefix("ENV ")?.split_once('='));
    let variables: Vec<_> =
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    assert_eq!(settings("the image", variables).data_dir, Path::new("/data"));
}
