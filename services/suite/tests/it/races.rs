//! Creating things for a user who is being deleted, disabled or locked out
//! at that very moment.

use std::sync::Arc;

use roster_proto::{
    identity::v1::{CreateUserRequest, DeleteUserRequest, DisableUserRequest, UpdateUserRequest},
    persona::v1::{CreatePersonaRequest, Persona},
    session::v1::LoginRequest,
};
use tokio::{sync::Barrier, task::JoinSet};
use tonic::Code;

use crate::{
    cascade::orphans,
    client::Client,
    whole::is_distributed,
    world::{PASSWORD, World, person},
};

/// How many tasks write at the same time.
const WRITERS: usize = 64;
/// How often they do; less often where each call goes through three processes.
const ROUNDS: usize = 1_000;
const ROUNDS_APART: usize = 60;
/// How many connections they share.
const CONNECTIONS: usize = 4;

/// What happens to the user in the middle of it.
#[derive(Clone, Copy, Debug)]
enum Blow {
    Delete,
    Disable,
    Reset,
}

async fn strike(admin: &Client, user_id: String, blow: Blow) {
    match blow {
        Blow::Delete => {
            let request = DeleteUserRequest { user_id, ..Default::default() };
            admin.users().delete_user(request).await.map(drop).unwrap();
        }
        Blow::Disable => {
            let request = DisableUserRequest { user_id, ..Default::default() };
            admin.users().disable_user(request).await.map(drop).unwrap();
        }
        Blow::Reset => {
            let request = UpdateUserRequest {
                user_id,
                password: "another password".to_owned(),
                revoke_sessions: true,
                ..Default::default()
            };
            admin.users().update_user(request).await.map(drop).unwrap();
        }
    }
}

/// Signs in with the old password; answers the client if that went well.
async fn log_in(client: &Client, username: &str) -> Option<Client> {
    let request = LoginRequest {
        username: username.to_owned(),
        password: PASSWORD.to_owned(),
        ..LoginRequest::default()
    };
    match client.sessions().login(request).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            Some(client.with_token(&answer.token, &answer.session.unwrap().user_id))
        }
        Err(status) => {
            let refused = [Code::Unauthenticated, Code::PermissionDenied];
            assert!(refused.contains(&status.code()), "{status:?}");
            None
        }
    }
}

/// Creates a persona; answers whether that went well.
async fn create_persona(client: &Client) -> bool {
    let persona = Persona { name: Some("Racing".to_owned()), ..Persona::default() };
    let request = CreatePersonaRequest { persona: Some(persona), ..Default::default() };
    match client.personas().create_persona(request).await {
        Ok(_) => true,
        Err(status) => {
            assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
            false
        }
    }
}

/// How often each side of a race came first.
#[derive(Debug, Default)]
struct Tally {
    logins: [usize; 2],
    personas: [usize; 2],
}

/// What a writer did.
enum Wrote {
    Blow,
    Login(Option<Client>),
    Persona(bool),
}

async fn round(world: &World, connections: &[Client], number: usize, tally: &mut Tally) {
    let username = format!("racer-{number}");
    let request = CreateUserRequest { username: username.clone(), ..person() };
    let user_id = world.create(request).await.user_id;
    let before = world.sign_in(&username).await;
    let blow = [Blow::Delete, Blow::Disable, Blow::Reset][number % 3];
    let start = Arc::new(Barrier::new(WRITERS));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let connection = connections[writer % connections.len()].clone();
        let (start, username, user_id) = (Arc::clone(&start), username.clone(), user_id.clone());
        let (admin, before) = (world.admin.clone(), before.clone());
        writers.spawn(async move {
            start.wait().await;
            match writer % 4 {
                // Somewhere in the middle, so that both sides of it happen.
                _ if writer == WRITERS / 2 => {
                    strike(&admin, user_id, blow).await;
                    Wrote::Blow
                }
                0 => Wrote::Login(log_in(&connection, &username).await),
                _ => Wrote::Persona(create_persona(&before).await),
            }
        });
    }
    let mut opened = Vec::new();
    for wrote in writers.join_all().await {
        match wrote {
            Wrote::Blow => {}
            Wrote::Login(client) => {
                tally.logins[usize::from(client.is_some())] += 1;
                opened.extend(client);
            }
            Wrote::Persona(created) => tally.personas[usize::from(created)] += 1,
        }
    }
    for client in opened.iter().chain([&before]) {
        assert!(!client.is_signed_in().await, "round {number}: a session outlived {blow:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_created_behind_a_deletion_a_disabling_or_a_reset() {
    // So many at once from one address would count as guesses.
    let world = World::with(|config| {
        config.session.login.failures_per_account_and_address = 100;
    })
    .await;
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(world.another_connection().await);
    }
    let mut tally = Tally::default();
    let rounds = if is_distributed() { ROUNDS_APART } else { ROUNDS };
    for number in 0..rounds {
        round(&world, &connections, number, &mut tally).await;
    }
    world.settle().await;
    assert_eq!(orphans(&world).await, 0);
    // Both sides of the race came first at times: otherwise it was none.
    let counts = tally.logins.into_iter().chain(tally.personas);
    assert!(counts.into_iter().all(|count| count > 0), "{tally:?}");
}
