//! What has to hold after the last start.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::{Duration, Instant},
};

use roster_proto::{
    identity::v1::{
        DeletionState, GetUserRequest, ListDeletionsRequest, ListUsersRequest, ReceiptState,
    },
    persona::v1::ListUserPersonasRequest,
};
use sea_orm::prelude::Uuid;
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::clients::{self, Deletion, Known, Worker};
use crate::{
    binary::{PATIENCE, Roster},
    client::Client,
    database,
    world::PASSWORD,
};

/// What is acknowledged, over all clients.
pub struct Expected {
    /// Who is there.
    pub users: Vec<Known>,
    /// Who is deleted.
    pub deleted: Vec<Known>,
    /// The tokens of those who are there, with their owners.
    pub tokens: Vec<(String, String)>,
    /// The personas of those who are there.
    pub personas: BTreeSet<String>,
}

impl Expected {
    pub fn of(workers: &[Worker]) -> Self {
        let all = workers.iter().flat_map(|worker| worker.users.iter().cloned());
        let (users, deleted): (Vec<_>, Vec<_>) =
            all.partition(|known| known.deletion == Deletion::None);
        let tokens = users.iter().flat_map(|known| {
            known.tokens.iter().map(|token| (token.clone(), known.user_id.clone()))
        });
        let personas = users.iter().flat_map(|known| known.personas.iter().cloned());
        Self { tokens: tokens.collect(), personas: personas.collect(), users, deleted }
    }
}

pub async fn healthy(roster: &mut Roster) {
    let mut health = HealthClient::new(roster.channel().await);
    let answer = health.check(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(answer.status(), ServingStatus::Serving);
}

/// Waits until every deletion is complete, those included whose
/// acknowledgement was lost; answers how long after `since` that is.
pub async fn deletions_complete(admin: &Client, workers: &[Worker], since: Instant) -> Duration {
    let acknowledged: BTreeSet<_> = workers
        .iter()
        .flat_map(|worker| &worker.users)
        .filter(|known| known.deletion == Deletion::Acknowledged)
        .map(|known| known.user_id.clone())
        .collect();
    loop {
        let deletions = deletions(admin).await;
        let users: BTreeSet<_> = deletions.iter().map(|it| it.user_id.clone()).collect();
        assert_eq!(users.len(), deletions.len(), "nobody is deleted twice");
        assert!(users.is_superset(&acknowledged), "an acknowledged deletion is lost");
        let open: Vec<_> =
            deletions.iter().filter(|it| it.state() != DeletionState::Complete).collect();
        if open.is_empty() {
            for deletion in &deletions {
                let receipts = &deletion.receipts;
                let from: Vec<_> = receipts.iter().map(|it| it.participant.as_str()).collect();
                assert_eq!(from, ["identity", "persona", "session"], "{deletion:?}");
                assert!(receipts.iter().all(|it| it.state() == ReceiptState::Done), "{deletion:?}");
            }
            return since.elapsed();
        }
        assert!(since.elapsed() < PATIENCE, "deletions that do not complete: {open:#?}");
    }
}

async fn deletions(admin: &Client) -> Vec<roster_proto::identity::v1::Deletion> {
    let mut all = Vec::new();
    let mut page_token = String::new();
    loop {
        let request =
            ListDeletionsRequest { page_size: 200, page_token, ..ListDeletionsRequest::default() };
        let page = admin.users().list_deletions(request).await.unwrap().into_inner();
        all.extend(page.deletions);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return all;
        }
    }
}

/// Every acknowledged write is there, and no user whom nobody created.
pub async fn everything_is_there(nobody: &Client, admin: &Client, expected: &Expected) {
    let listed = list_users(admin).await;
    let mut known: BTreeSet<_> = expected.users.iter().map(|it| it.user_id.clone()).collect();
    known.insert(admin.user_id.clone());
    assert_eq!(listed.keys().cloned().collect::<BTreeSet<_>>(), known);
    for user in &expected.users {
        let name = &listed[&user.user_id];
        assert!(user.display_names.contains(name), "{name}: {user:?}");
        let request =
            ListUserPersonasRequest { user_id: user.user_id.clone(), ..Default::default() };
        let answer = admin.all_personas().list_user_personas(request).await.unwrap();
        let kept: BTreeSet<_> =
            answer.into_inner().personas.into_iter().map(|it| it.persona_id).collect();
        assert!(user.personas.iter().all(|it| kept.contains(it)), "{user:?}: {kept:?}");
    }
    for (token, user_id) in &expected.tokens {
        assert!(nobody.with_token(token, user_id).is_signed_in().await, "{user_id}");
    }
    let user = expected.users.first().unwrap();
    clients::sign_in(nobody, &user.username, PASSWORD).await.unwrap();
}

/// The display names of all users, by id.
async fn list_users(admin: &Client) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut page_token = String::new();
    loop {
        let request =
            ListUsersRequest { page_size: 200, page_token, ..ListUsersRequest::default() };
        let page = admin.users().list_users(request).await.unwrap().into_inner();
        all.extend(page.users.into_iter().map(|user| (user.user_id, user.display_name)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return all;
        }
    }
}

/// Who is deleted is gone, for everybody who asks.
pub async fn nobody_is_left(nobody: &Client, admin: &Client, expected: &Expected) {
    for user in &expected.deleted {
        let request = GetUserRequest { user_id: user.user_id.clone() };
        let refused = admin.users().get_user(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound, "{user:?}");
        for token in &user.tokens {
            assert!(!nobody.with_token(token, &user.user_id).is_signed_in().await, "{user:?}");
        }
    }
}

/// What the services' own files hold: nothing of anybody but those who are
/// there, and no subject of anybody deleted who counts as alive.
pub async fn no_orphans(folder: &Path, expected: &Expected) {
    let id = |user: &Known| Uuid::parse_str(&user.user_id).unwrap();
    let deleted: BTreeSet<_> = expected.deleted.iter().map(id).collect();
    let mut alive: BTreeSet<_> = expected.users.iter().map(id).collect();
    for (service, sql) in [
        ("session", "SELECT user_id FROM session"),
        ("persona", "SELECT user_id FROM persona"),
        ("identity", "SELECT user_id FROM credential"),
        ("session", "SELECT user_id FROM subject WHERE state <> 'deleted'"),
        ("persona", "SELECT user_id FROM subject WHERE state <> 'deleted'"),
        ("identity", "SELECT user_id FROM ledger WHERE state <> 'deleted'"),
    ] {
        let found = ids(folder, service, sql).await;
        let orphans: Vec<_> = found.intersection(&deleted).collect();
        assert!(orphans.is_empty(), "{service}: {sql}: {orphans:?}");
        // The administrator is the only other one there is.
        let strangers = found.difference(&alive).count();
        assert!(strangers <= 1, "{service}: {sql}: {strangers}");
    }
    alive.extend(&deleted);
    for (service, sql) in [
        ("session", "SELECT user_id FROM subject WHERE state = 'deleted'"),
        ("persona", "SELECT user_id FROM subject WHERE state = 'deleted'"),
        ("identity", "SELECT user_id FROM ledger WHERE state = 'deleted'"),
    ] {
        assert_eq!(ids(folder, service, sql).await, deleted, "{service}: {sql}");
    }
}

async fn ids(folder: &Path, service: &str, sql: &str) -> BTreeSet<Uuid> {
    let path = folder.join("data").join(format!("{service}.db"));
    database::column(&path, sql).await.into_iter().collect()
}
