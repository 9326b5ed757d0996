//! Clients that remember what they were told.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use roster_proto::{
    identity::v1::{CreateUserRequest, DeleteUserRequest, UpdateUserRequest, User},
    persona::v1::{CreatePersonaRequest, Persona},
    session::v1::LoginRequest,
};
use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;

use super::Acknowledged;
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
    /// What the display name may be: the last one that was acknowledged, and
    /// what was asked for since.
    pub display_names: Vec<String>,
    pub tokens: Vec<String>,
    pub personas: Vec<String>,
    pub deletion: Deletion,
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

/// The process was killed before it answered.
pub struct Gone;

pub async fn sign_in(nobody: &Client, username: &str, password: &str) -> Result<Client, Status> {
    let (username, password) = (username.to_owned(), password.to_owned());
    let request = LoginRequest { username, password, ..LoginRequest::default() };
    let answer = nobody.sessions().login(request).await?.into_inner();
    Ok(nobody.with_token(&answer.token, &answer.session.unwrap().user_id))
}

/// Roster's own answer, good or bad. What comes from the broken connection has
/// no reason of Roster's.
fn answered<T>(answer: Result<Response<T>, Status>) -> Result<Result<T, Status>, Gone> {
    match answer {
        Ok(answer) => Ok(Ok(answer.into_inner())),
        Err(status) if status.get_error_details().error_info().is_some() => Ok(Err(status)),
        Err(_) => Err(Gone),
    }
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
            let id: u128 = self.rng.random();
            let hex = format!("{id:032x}");
            let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
            CreateUserRequest {
                username: format!("user-{}-{}", self.number, self.created),
                request_id: parts.join("-"),
                ..person()
            }
        });
        self.open = Some(request.clone());
        let user: User = match answered(admin.users().create_user(request).await)? {
            Ok(answer) => answer.user.unwrap(),
            Err(status) if status.code() == Code::ResourceExhausted => return Ok(()),
            Err(status) => panic!("not created: {status:?}"),
        };
        self.open = None;
        self.users.push(Known {
            user_id: user.user_id,
            username: user.username,
            display_names: vec![user.display_name],
            ..Known::default()
        });
        self.note();
        Ok(())
    }

    async fn login(&mut self, nobody: &Client, index: usize) -> Result<(), Gone> {
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
        known.display_names.push(name.clone());
        let request = UpdateUserRequest {
            user_id: known.user_id.clone(),
            display_name: Some(name.clone()),
            ..UpdateUserRequest::default()
        };
        let answer = answered(admin.users().update_user(request).await)?;
        let user = answer.expect("renamed").user.unwrap();
        assert_eq!(user.display_name, name);
        known.display_names = vec![name];
        self.note();
        Ok(())
    }

    async fn delete(&mut self, admin: &Client, index: usize) -> Result<(), Gone> {
        let known = &mut self.users[index];
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
    pub async fn finish(&mut self, admin: &Client) {
        if self.open.is_some() {
            assert!(self.create(admin).await.is_ok(), "nobody kills any more");
        }
        for index in 0..self.users.len() {
            if self.users[index].deletion == Deletion::Asked {
                assert!(self.delete(admin, index).await.is_ok(), "nobody kills any more");
            }
        }
    }
}

fn persona() -> CreatePersonaRequest {
    let persona = Persona { name: Some("A persona".to_owned()), ..Persona::default() };
    CreatePersonaRequest { persona: Some(persona), ..CreatePersonaRequest::default() }
}

fn deletion_of(known: &Known) -> DeleteUserRequest {
    DeleteUserRequest { user_id: known.user_id.clone(), ..DeleteUserRequest::default() }
}
