//! What has to hold after the last start.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use roster_db::DbConfig;
use roster_proto::{
    identity::v1::{
        DeletionState, GetUserRequest, ListDeletionsRequest, ListUsersRequest, ReceiptState,
    },
    persona::v1::ListUserPersonasRequest,
    time::from_proto,
};
use sea_orm::prelude::Uuid;
use tonic::{Code, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::clients::{self, Deletion, Known, Worker};
use crate::{client::Client, database, world::PASSWORD};

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

/// Whether whoever answers on `channel` says that all is well.
pub async fn is_healthy(channel: Channel) -> bool {
    let answer = HealthClient::new(channel).check(HealthCheckRequest::default()).await;
    answer.is_ok_and(|it| it.into_inner().status() == ServingStatus::Serving)
}

/// Waits until every deletion is complete, those included whose
/// acknowledgement was lost; answers how long each took, shortest first.
pub async fn deletions_complete(
    admin: &Client,
    workers: &[Worker],
    patience: Duration,
) -> Vec<Duration> {
    let since = Instant::now();
    let known: BTreeMap<_, _> = workers
        .iter()
        .flat_map(|worker| &worker.users)
        .filter(|known| known.deletion != Deletion::None)
        .map(|known| (known.user_id.clone(), known))
        .collect();
    loop {
        let deletions = deletions(admin).await;
        let users: BTreeSet<_> = deletions.iter().map(|it| it.user_id.clone()).collect();
        assert_eq!(users.len(), deletions.len(), "nobody is deleted twice");
        for (user, known) in &known {
            let lost = known.deletion == Deletion::Acknowledged && !users.contains(user);
            assert!(!lost, "an acknowledged deletion is lost: {known:?}");
        }
        let open: Vec<_> =
            deletions.iter().filter(|it| it.state() != DeletionState::Complete).collect();
        if open.is_empty() {
            let mut took: Vec<_> =
                deletions.iter().map(|it| complete(it, known[&it.user_id])).collect();
            took.sort();
            return took;
        }
        assert!(since.elapsed() < patience, "deletions that do not complete: {open:#?}");
    }
}

/// Everybody has confirmed what they had, each row once; answers how long it
/// took.
fn complete(deletion: &roster_proto::identity::v1::Deletion, known: &Known) -> Duration {
    let receipts = &deletion.receipts;
    let from: Vec<_> = receipts.iter().map(|it| it.participant.as_str()).collect();
    assert_eq!(from, ["identity", "persona", "session"], "{deletion:?}");
    assert!(receipts.iter().all(|it| it.state() == ReceiptState::Done), "{deletion:?}");
    let counts: BTreeMap<_, _> = receipts
        .iter()
        .flat_map(|it| &it.counts)
        .map(|it| (it.kind.as_str(), usize::try_from(it.count).unwrap()))
        .collect();
    assert_eq!((counts["users"], counts["credentials"]), (1, 1), "{deletion:?}");
    let Known { tokens, personas, asked, .. } = known;
    let sessions = tokens.len()..=asked.sessions;
    assert!(sessions.contains(&counts["sessions"]), "{deletion:?}: {known:?}");
    let personas = personas.len()..=asked.personas;
    assert!(personas.contains(&counts["personas"]), "{deletion:?}: {known:?}");
    let at = |time: &Option<_>| from_proto(time.unwrap()).unwrap();
    // Clocks of different processes may differ by a little.
    (at(&deletion.complete_time) - at(&deletion.create_time)).to_std().unwrap_or_default()
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
        let possible = *name == user.display_name || user.open_names.contains(name);
        assert!(possible, "{name}: {user:?}");
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

/// A request that is sent again gets the answer that it got, or would have
/// got: who was created, as long as they are there, and the deletion that was
/// begun.
pub async fn repetitions_get_the_first_answer(admin: &Client, expected: &Expected) {
    for known in &expected.users {
        let again = admin.users().create_user(known.creation.clone()).await.unwrap();
        assert_eq!(again.into_inner().user.unwrap().user_id, known.user_id, "{known:?}");
    }
    for known in &expected.deleted {
        let again = admin.users().delete_user(clients::deletion_of(known)).await.unwrap();
        assert_eq!(again.into_inner().deletion.unwrap().user_id, known.user_id, "{known:?}");
    }
}

/// What the audit trail holds: each change once, however often it was asked
/// for, and none that was not.
pub async fn nothing_happened_twice(tables: impl Fn(&str) -> DbConfig, expected: &Expected) {
    let noted = async |method: &str| -> BTreeMap<String, usize> {
        let sql = format!("SELECT target FROM audit_event WHERE method LIKE '%/{method}'");
        let mut noted = BTreeMap::new();
        for target in database::column_of::<String>(&tables("identity"), &sql).await {
            *noted.entry(target).or_default() += 1;
        }
        noted
    };
    let once = |all: &mut dyn Iterator<Item = &Known>| -> BTreeMap<String, usize> {
        all.map(|known| (known.user_id.clone(), 1)).collect()
    };
    let (users, deleted) = (&expected.users, &expected.deleted);
    assert_eq!(noted("CreateUser").await, once(&mut users.iter().chain(deleted)));
    assert_eq!(noted("DeleteUser").await, once(&mut deleted.iter()));
    let renamed = noted("UpdateUser").await;
    for known in users.iter().chain(deleted) {
        let times = renamed.get(&known.user_id).copied().unwrap_or_default();
        assert!(times <= known.asked.names, "{times}: {known:?}");
    }
}

/// What the services' own tables hold: nothing of anybody but those who are
/// there, and no subject of anybody deleted who counts as alive.
pub async fn no_orphans(tables: impl Fn(&str) -> DbConfig, expected: &Expected) {
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
        let found = ids(&tables(service), sql).await;
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
        assert_eq!(ids(&tables(service), sql).await, deleted, "{service}: {sql}");
    }
}

async fn ids(tables: &DbConfig, sql: &str) -> BTreeSet<Uuid> {
    database::column_of(tables, sql).await.into_iter().collect()
}
