//! Clients that remember what they were told.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use roster_proto::{
    identity::v1::{CreateUserRequest, DeleteUserRequest, UpdateUserRequest, User},
    persona::v1::{CreatePersonaRequest, Persona},
    session::v1::LoginRequest,
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;

use super::{Acknowledged, a_random_while};
use crate::{
    client::Client,
    world::{PASSWORD, person},
};

/// Whether a deletion has been asked for, and what came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Deletion {
    #[default]
    None,
    /// Asked for, without an answer: it may have happened.
    Asked,
    /// Acknowledged.
    Acknowledged,
}

/// What one client knows of one user.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub user_id: String,
    pub username: String,
    /// What the user was created with.
    pub creation: CreateUserRequest,
    /// The last display name that was acknowledged.
    pub display_name: String,
    /// Those that were asked for without an answer: each may be the last one that
    /// took effect, since nobody knows when it did.
    pub open_names: Vec<String>,
    pub tokens: Vec<String>,
    pub personas: Vec<String>,
    /// How many sessions, personas and other names were asked for, answered or
    /// not.
    pub asked: Asked,
    pub deletion: Deletion,
    /// What the deletion was asked for with.
    pub deletion_request_id: String,
}

/// How often something was asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    pub sessions: usize,
    pub personas: usize,
    pub names: usize,
}

/// A client with users of its own.
pub struct Worker {
    pub number: u64,
    pub users: Vec<Known>,
    /// A creation without an answer.
    open: Option<CreateUserRequest>,
    created: u32,
    rng: ChaCha8Rng,
    acknowledged: Acknowledged,
}

/// Nobody knows what has become of the call: the process was killed before it
/// answered, or one that it needs was.
pub struct Gone;

/// One way in, for somebody who is not signed in and for the administrator.
#[derive(Clone)]
pub struct Edge {
    pub nobody: Client,
    pub admin: Client,
}

pub async fn sign_in(nobody: &Client, username: &str, password: &str) -> Result<Client, Status> {
    let (username, password) = (username.to_owned(), password.to_owned());
    let request = LoginRequest { username, password, ..LoginRequest::default() };
    let answer = nobody.sessions().login(request).await?.into_inner();
    Ok(nobody.with_token(&answer.token, &answer.session.unwrap().user_id))
}

/// Roster's own answer, good or bad. What comes from the broken connection has
/// no reason of Roster's; and of what Roster itself could not find out it says
/// so, with a reason, and never that it does not know what is wrong.
fn answered<T>(answer: Result<Response<T>, Status>) -> Result<Result<T, Status>, Gone> {
    let status = match answer {
        Ok(answer) => return Ok(Ok(answer.into_inner())),
        Err(status) => status,
    };
    let details = status.get_error_details();
    let Some(info) = details.error_info() else { return Err(Gone) };
    let code = status.code();
    assert!(!matches!(code, Code::Internal | Code::Unknown), "a defect: {status:?}");
    let open = matches!(code, Code::Unavailable | Code::DeadlineExceeded);
    // Pending is an answer: the change stands.
    if open && info.reason != "EFFECT_PENDING" { Err(Gone) } else { Ok(Err(status)) }
}

impl Worker {
    pub fn new(number: u64, seed: u64, acknowledged: Acknowledged) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed ^ ((number + 1) << 32));
        Self { number, users: Vec::new(), open: None, created: 0, rng, acknowledged }
    }

    fn note(&self) {
        self.acknowledged.send_modify(|count| *count += 1);
    }

    /// Works until the process is gone.
    pub async fn work(&mut self, nobody: &Client, admin: &Client) {
        while self.step(nobody, admin).await.is_ok() {}
    }

    /// Works until told to stop. What gets no answer at one edge is asked for
    /// again at the next.
    pub async fn work_until(&mut self, edges: &[Edge], stop: &CancellationToken) {
        let mut ways = edges.iter().cycle().skip(usize::from(self.number.is_multiple_of(2)));
        while let Some(edge) = ways.next().filter(|_| !stop.is_cancelled()) {
            while !stop.is_cancelled() && self.step(&edge.nobody, &edge.admin).await.is_ok() {}
            a_random_while(&mut self.rng, Duration::from_millis(100)).await;
        }
    }

    async fn step(&mut self, nobody: &Client, admin: &Client) -> Result<(), Gone> {
        if self.open.is_some() {
            return self.create(admin).await;
        }
        let asked = self.users.iter().position(|it| it.deletion == Deletion::Asked);
        if let Some(index) = asked {
            return self.delete(admin, index).await;
        }
        let alive: Vec<_> = (0..self.users.len())
            .filter(|index| self.users[*index].deletion == Deletion::None)
            .collect();
        if alive.len() < 2 {
            return self.create(admin).await;
        }
        let index = alive[self.rng.random_range(0..alive.len())];
        match self.rng.random_range(0..12) {
            0..3 => self.create(admin).await,
            3..6 => self.login(nobody, index).await,
            6..8 => self.persona(nobody, index).await,
            8..10 => self.rename(admin, index).await,
            _ => self.delete_amid_work(nobody, admin, index).await,
        }
    }

    /// Creates a user, or finds out about the one whose creation got no
    /// answer: the same request, with the same id.
    async fn create(&mut self, admin: &Client) -> Result<(), Gone> {
        let request = self.open.take().unwrap_or_else(|| {
            self.created += 1;
            CreateUserRequest {
                username: format!("user-{}-{}", self.number, self.created),
                request_id: request_id(&mut self.rng),
                ..person()
            }
        });
        self.open = Some(request.clone());
        let user: User = match answered(admin.users().create_user(request.clone()).await)? {
            Ok(answer) => answer.user.unwrap(),
            Err(status) if status.code() == Code::ResourceExhausted => return Ok(()),
            Err(status) => panic!("not created: {status:?}"),
        };
        self.open = None;
        self.users.push(Known {
            user_id: user.user_id,
            username: user.username,
            creation: request,
            display_name: user.display_name,
            ..Known::default()
        });
        self.note();
        Ok(())
    }

    async fn login(&mut self, nobody: &Client, index: usize) -> Result<(), Gone> {
        self.users[index].asked.sessions += 1;
        let username = self.users[index].username.clone();
        let request =
            LoginRequest { username, password: PASSWORD.to_owned(), ..LoginRequest::default() };
        match answered(nobody.sessions().login(request).await)? {
            Ok(answer) => self.users[index].tokens.push(answer.token),
            Err(status) if status.code() == Code::ResourceExhausted => return Ok(()),
            Err(status) => panic!("not signed in: {status:?}"),
        }
        self.note();
        Ok(())
    }

    async fn persona(&mut self, nobody: &Client, index: usize) -> Result<(), Gone> {
        let Some(token) = self.users[index].tokens.last().cloned() else {
            return self.login(nobody, index).await;
        };
        self.users[index].asked.personas += 1;
        let client = nobody.with_token(&token, &self.users[index].user_id);
        let answer = answered(client.personas().create_persona(persona()).await)?;
        let persona = answer.expect("the session outlives the process").persona.unwrap();
        self.users[index].personas.push(persona.persona_id);
        self.note();
        Ok(())
    }

    async fn rename(&mut self, admin: &Client, index: usize) -> Result<(), Gone> {
        let name = format!("Name {}", self.rng.random_range(0..1_000_000));
        let known = &mut self.users[index];
        known.open_names.push(name.clone());
        known.asked.names += 1;
        let request = UpdateUserRequest {
            user_id: known.user_id.clone(),
            display_name: Some(name.clone()),
            ..UpdateUserRequest::default()
        };
        let answer = answered(admin.users().update_user(request).await)?;
        let user = answer.expect("renamed").user.unwrap();
        assert_eq!(user.display_name, name);
        known.open_names.retain(|it| *it != name);
        known.display_name = name;
        self.note();
        Ok(())
    }

    async fn delete(&mut self, admin: &Client, index: usize) -> Result<(), Gone> {
        let known = &mut self.users[index];
        if known.deletion == Deletion::None {
            known.deletion_request_id = request_id(&mut self.rng);
        }
        known.deletion = Deletion::Asked;
        let answer = answered(admin.users().delete_user(deletion_of(known)).await)?;
        // Pending is acknowledged: the deletion stands.
        if let Err(status) = answer {
            assert_eq!(status.code(), Code::Unavailable, "not deleted: {status:?}");
        }
        known.deletion = Deletion::Acknowledged;
        self.note();
        Ok(())
    }

    /// Deletes a user who is signing in and creating at that moment: what is
    /// acknowledged to them must be gone all the same.
    async fn delete_amid_work(
        &mut self,
        nobody: &Client,
        admin: &Client,
        index: usize,
    ) -> Result<(), Gone> {
        self.users[index].asked.sessions += 1;
        self.users[index].asked.personas += 1;
        let known = self.users[index].clone();
        let token = known.tokens.last().cloned().unwrap_or_default();
        let owner = nobody.with_token(&token, &known.user_id);
        let (signed_in, created, deleted) = tokio::join!(
            sign_in(nobody, &known.username, PASSWORD),
            async { owner.personas().create_persona(persona()).await },
            self.delete(admin, index),
        );
        let known = &mut self.users[index];
        if let Ok(client) = signed_in {
            known.tokens.push(client.token().to_owned());
        }
        if let Some(persona) = created.ok().and_then(|it| it.into_inner().persona) {
            known.personas.push(persona.persona_id);
        }
        deleted
    }

    /// Brings what got no answer to an end.
    pub async fn finish(&mut self, admin: &Client) -> Result<(), Gone> {
        while self.open.is_some() {
            self.create(admin).await?;
        }
        for index in 0..self.users.len() {
            if self.users[index].deletion == Deletion::Asked {
                self.delete(admin, index).await?;
            }
        }
        Ok(())
    }
}

fn persona() -> CreatePersonaRequest {
    let persona = Persona { name: Some("A persona".to_owned()), ..Persona::default() };
    CreatePersonaRequest { persona: Some(persona), ..CreatePersonaRequest::default() }
}

/// The request that a user's deletion was asked for with.
pub fn deletion_of(known: &Known) -> DeleteUserRequest {
    DeleteUserRequest {
        user_id: known.user_id.clone(),
        request_id: known.deletion_request_id.clone(),
        ..DeleteUserRequest::default()
    }
}

/// A client's name for a mutation.
fn request_id(rng: &mut ChaCha8Rng) -> String {
    let hex = format!("{:032x}", rng.random::<u128>());
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
