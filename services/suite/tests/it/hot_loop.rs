//! A token in constant use while its user loses what it opens: not one call
//! that begins after the change has been answered gets through, whichever edge
//! it comes to.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use roster_proto::{
    identity::v1::{
        DeleteUserRequest, DisableUserRequest, ListUsersRequest, MachineTokenScope,
        RevokeMachineTokenRequest, UpdateUserRequest,
    },
    session::v1::RevokeSessionsRequest,
};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tonic::Code;

use crate::{client::Client, world::World};

/// How many clients use the token, and over how many connections.
const CLIENTS: usize = 16;
const CONNECTIONS: usize = 4;

/// How many calls there are at least, over all clients, before the change and
/// again after it.
const CALLS: u32 = 200;

/// How long these may take on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(5);

/// What happens to the user, or to the user's token.
#[derive(Clone, Copy, Debug)]
enum Change {
    Deleted,
    Disabled,
    Revoked,
    SessionsEnded,
    Demoted,
}

/// What the token is one of, with its id where it is a machine's.
#[derive(Clone, Debug)]
enum Token {
    Session,
    Machine(String),
}

impl Change {
    async fn make(self, admin: &Client, user_id: String, token: &Token) {
        match (self, token) {
            (Self::Deleted, _) => {
                let request = DeleteUserRequest { user_id, ..Default::default() };
                admin.users().delete_user(request).await.map(drop).unwrap();
            }
            (Self::Disabled, _) => {
                let request = DisableUserRequest { user_id, ..Default::default() };
                admin.users().disable_user(request).await.map(drop).unwrap();
            }
            (Self::Revoked, Token::Session) => {
                let request = RevokeSessionsRequest { user_id, ..Default::default() };
                admin.all_sessions().revoke_sessions(request).await.map(drop).unwrap();
            }
            (Self::Revoked, Token::Machine(id)) => {
                let machine_token_id = id.clone();
                let request = RevokeMachineTokenRequest { machine_token_id, ..Default::default() };
                admin.machine_tokens().revoke_machine_token(request).await.map(drop).unwrap();
            }
            (Self::SessionsEnded, _) => {
                let request =
                    UpdateUserRequest { user_id, revoke_sessions: true, ..Default::default() };
                admin.users().update_user(request).await.map(drop).unwrap();
            }
            (Self::Demoted, _) => {
                let request =
                    UpdateUserRequest { user_id, is_admin: Some(false), ..Default::default() };
                admin.users().update_user(request).await.map(drop).unwrap();
            }
        }
    }
}

/// Calls what is for administrators until told to stop; answers when each call
/// that was accepted began.
async fn call(client: Client, calls: Arc<Semaphore>, stop: CancellationToken) -> Vec<Instant> {
    let mut accepted = Vec::new();
    while !stop.is_cancelled() {
        let begun = Instant::now();
        let request = ListUsersRequest { page_size: 1, ..ListUsersRequest::default() };
        match client.users().list_users(request).await {
            Ok(_) => accepted.push(begun),
            Err(status) => {
                let refused = [Code::Unauthenticated, Code::PermissionDenied];
                assert!(refused.contains(&status.code()), "{status:?}");
            }
        }
        calls.add_permits(1);
    }
    accepted
}

/// Waits until there have been so many more calls, at rest: they need the
/// processors themselves.
async fn more(calls: &Semaphore) {
    calls.forget_permits(Semaphore::MAX_PERMITS);
    let seen = tokio::time::timeout(PATIENCE, calls.acquire_many(CALLS)).await;
    seen.expect("calls go on").unwrap().forget();
}

const CHANGES: [Change; 5] =
    [Change::Deleted, Change::Disabled, Change::Revoked, Change::SessionsEnded, Change::Demoted];

/// Uses the token of `user` over all connections while it loses what it opens.
async fn race(world: &World, connections: &[Client], user: &Client, token: &Token, change: Change) {
    let (calls, stop) = (Arc::new(Semaphore::new(0)), CancellationToken::new());
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let connection = &connections[number % CONNECTIONS];
        let client = connection.with_token(user.token(), &user.user_id);
        clients.spawn(call(client, calls.clone(), stop.clone()));
    }
    more(&calls).await;
    change.make(&world.admin, user.user_id.clone(), token).await;
    let answered = Instant::now();
    more(&calls).await;
    stop.cancel();
    let accepted = clients.join_all().await.concat();
    let late = accepted.iter().filter(|begun| **begun > answered).count();
    assert_eq!(late, 0, "{change:?} {token:?}: {late} of {} accepted", accepted.len());
    let early = accepted.iter().any(|begun| *begun < answered);
    assert!(early, "{change:?} {token:?}: none before it");
}

async fn connections(world: &World) -> Vec<Client> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(world.another_connection().await);
    }
    connections
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_that_begins_after_a_change_was_answered_is_accepted() {
    let world = World::new().await;
    let connections = connections(&world).await;
    for change in CHANGES {
        let user = world.create_admin(&format!("{change:?}").to_lowercase()).await;
        race(&world, &connections, &user, &Token::Session, change).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_is_one_with_a_machine_token() {
    let world = World::new().await;
    let connections = connections(&world).await;
    for change in CHANGES {
        let user = world.create_admin(&format!("{change:?}").to_lowercase()).await;
        let (id, machine) = user.issue(MachineTokenScope::ReadOnly).await;
        race(&world, &connections, &machine, &Token::Machine(id), change).await;
    }
}
