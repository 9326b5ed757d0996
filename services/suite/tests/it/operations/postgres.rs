//! The page, run.

use std::time::Instant;

use roster_proto::identity::v1::{DeleteUserRequest, ListUsersRequest};
use tonic::transport::Endpoint;

use super::installation::{Installation, SERVICES};
use crate::{
    binary::PATIENCE,
    client::Client,
    process::{sign_in, user, usernames},
    readme::{examples, fenced, printed_as_shown},
    world::PASSWORD,
};

const PAGE: &str = include_str!("../../../../../deploy/OPERATIONS.md");

async fn connect(installation: &Installation) -> Client {
    let endpoint = Endpoint::from_shared(format!("http://{}", installation.edge)).unwrap();
    Client::new(endpoint.user_agent("tests/1.0").unwrap().connect().await.unwrap())
}

async fn administrator(installation: &Installation) -> Client {
    sign_in(&connect(installation).await, "admin", PASSWORD).await.unwrap()
}

/// Runs what a section shows, and compares what it prints.
fn run(installation: &mut Installation, section: &str) {
    for block in fenced(in_section(section), "console") {
        for example in examples(&block) {
            // Logs are on standard error, and none of what it prints.
            let command = format!("{{ {} }} 2>/dev/null", example.command);
            printed_as_shown(&example.output, &installation.shell.run(&command));
        }
    }
}

fn in_section(name: &str) -> &'static str {
    let begins = format!("## {name}\n");
    let (_, section) = PAGE.split_once(&begins).unwrap_or_else(|| panic!("no section {name}"));
    section.split("\n## ").next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn the_steps_do_what_the_page_says() {
    let mut installation = Installation::new(PASSWORD).await;
    let introduction = PAGE.split("\n## ").next().unwrap();
    for example in fenced(introduction, "console").iter().flat_map(|block| examples(block)) {
        let printed = installation.shell.run(example.command.trim_end());
        let told: Vec<_> = printed.lines().filter(|line| !line.contains(" INFO ")).collect();
        printed_as_shown(&example.output, &told.join("\n"));
    }
    let admin = administrator(&installation).await;
    let mut created = Vec::new();
    for name in ["mara", "jona"] {
        let answer = admin.users().create_user(user(name)).await.unwrap().into_inner();
        created.push(answer.user.unwrap().user_id);
    }
    sign_in(&connect(&installation).await, "jona", PASSWORD).await.unwrap();
    run(&mut installation, "Backup");
    let delete = DeleteUserRequest { user_id: created[0].clone(), ..Default::default() };
    admin.users().delete_user(delete).await.unwrap();
    run(&mut installation, "Restoring one service");
    let admin = administrator(&installation).await;
    assert_eq!(usernames(&admin).await, ["jona", "admin"]);

    run(&mut installation, "Restoring all of it");
    let admin = administrator(&installation).await;
    assert_eq!(usernames(&admin).await, ["jona", "mara", "admin"]);
    for section in [
        "An administrator for a team that is locked out",
        "Changes that are not confirmed",
        "Another version",
        "The key that encrypts API keys",
    ] {
        run(&mut installation, section);
    }
    let again = administrator(&installation).await;
    again.users().list_users(ListUsersRequest::default()).await.unwrap();
    replace(&mut installation).await;
    for service in SERVICES {
        operators_see_what_they_should(&installation, service);
    }
}

/// That the process serves, and no password and no token.
fn operators_see_what_they_should(installation: &Installation, service: &str) {
    let metrics = installation.scrape(service);
    assert!(metrics.contains("roster_build_info{"), "{service}: {metrics}");
    let log = installation.log(service);
    assert!(log.contains("draining"), "{service} was stopped, and said so: {log}");
    for secret in [PASSWORD, "rst_", "rmt_"] {
        assert!(!log.contains(secret), "{service}: {log}");
    }
}

/// What is replaced while everything serves: after each step it is waited for what
/// the page says to wait for, and the administrator is served.
async fn replace(installation: &mut Installation) {
    let (mut replaced, mut restarts) = (0, 0);
    for section in ["Certificates, and their authority", "The keys of assertions"] {
        let blocks = fenced(in_section(section), "console wait");
        for example in blocks.iter().flat_map(|block| examples(block)) {
            let printed = installation.shell.run(&format!("{{ {} }} 2>&1", example.command));
            assert_eq!(printed, "", "{}", example.command);
            if example.command.contains(" certs/") && !example.command.contains("assertion") {
                replaced += 1;
                said(installation, replaced).await;
            }
            restarts += usize::from(example.command.contains("restart"));
            served(installation).await;
        }
    }
    assert_eq!((replaced, restarts), (3, 1));
}

/// Waits until every process has said, so many times, that it shows another
/// certificate.
async fn said(installation: &Installation, times: usize) {
    let begun = Instant::now();
    let all_told = || {
        SERVICES.iter().all(|service| {
            let log = installation.log(service);
            log.matches("service certificate replaced").count() >= times
        })
    };
    while !all_told() {
        assert!(begun.elapsed() < PATIENCE, "not every process has seen {times} replacements");
        tokio::task::yield_now().await;
    }
}

/// Waits until the administrator is served: of keys nobody says that they are read.
async fn served(installation: &Installation) {
    let begun = Instant::now();
    loop {
        let nobody = connect(installation).await;
        let Err(refused) = sign_in(&nobody, "admin", PASSWORD).await else { return };
        assert!(begun.elapsed() < PATIENCE, "{refused:?}");
    }
}
