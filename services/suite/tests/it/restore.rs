//! One service is put back from a backup, the others go on with what they know:
//! nobody comes back who was deleted, demoted, disabled or signed out since.

mod identity;
mod persona;
mod postgres;
mod session;

use std::{fs, path::Path, sync::Arc};

use roster_kernel::{Env, Steps};
use roster_proto::{
    identity::v1::{
        DeleteUserRequest, Deletion, DisableUserRequest, ListUsersRequest, UpdateUserRequest,
    },
    persona::v1::{CreatePersonaRequest, ListPersonasRequest, Persona},
    session::v1::LoginRequest,
};
use roster_suite::{RosterConfig, Suite};
use tonic::Code;

use crate::{
    cascade,
    client::{Client, reason},
    world::{CHEAP, PASSWORD, World},
};

/// Where a restoration of identity can be cut off.
pub const STEPS: [&str; 3] = ["restore.asked", "restore.prepared", "restore.committed"];

/// The files of a service's database, in a folder: they belong together.
fn files(folder: &Path, service: &str) -> Vec<std::path::PathBuf> {
    let belongs = |name: &str| name.starts_with(&format!("{service}.db"));
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let own = all.filter(|entry| belongs(entry.file_name().to_str().unwrap()));
    own.map(|entry| entry.path()).collect()
}

/// Copies the database of a service, and nothing else, out of a stopped
/// installation.
async fn back_up(world: World, service: &str) -> World {
    let data = world.config.data_dir.clone();
    let backup = data.with_file_name("backup");
    fs::create_dir_all(&backup).unwrap();
    world
        .restart_after(|| {
            for file in files(&data, service) {
                fs::copy(&file, backup.join(file.file_name().unwrap())).unwrap();
            }
        })
        .await
}

/// Puts it back into the stopped installation that `config` is of.
fn put_back(config: &RosterConfig, service: &str) {
    for file in files(&config.data_dir, service) {
        fs::remove_file(file).unwrap();
    }
    for file in files(&config.data_dir.with_file_name("backup"), service) {
        fs::copy(&file, config.data_dir.join(file.file_name().unwrap())).unwrap();
    }
}

/// The services of a stopped installation, not served: what an offline command
/// works with.
async fn offline(config: &RosterConfig, env: &Env) -> Suite {
    Suite::assemble(config, env.clone(), CHEAP).await.unwrap()
}

/// The same, with somebody watching the steps.
async fn offline_watched(config: &RosterConfig, env: &Env, steps: Arc<dyn Steps>) -> Suite {
    offline(config, &Env { steps: Some(steps), ..env.clone() }).await
}

/// Those to whom something happens after the backup.
struct Cast {
    deleted: Client,
    demoted: Client,
    disabled: Client,
    revoked: Client,
    reset: Client,
    staying: Client,
}

/// What everybody signs in with after a reset.
const NEW_PASSWORD: &str = "battery staple";

impl Cast {
    /// Everybody is there and signed in, with a persona each.
    async fn sign_up(world: &World) -> Self {
        let cast = Self {
            deleted: world.create_signed_in("deleted").await,
            demoted: world.create_admin("demoted").await,
            disabled: world.create_signed_in("disabled").await,
            revoked: world.create_signed_in("revoked").await,
            reset: world.create_signed_in("reset").await,
            staying: world.create_signed_in("staying").await,
        };
        for client in cast.all() {
            create_persona(client).await;
        }
        cast
    }

    fn all(&self) -> [&Client; 6] {
        let Self { deleted, demoted, disabled, revoked, reset, staying } = self;
        [deleted, demoted, disabled, revoked, reset, staying]
    }

    /// The same people at another process.
    fn at(&self, world: &World) -> Self {
        Self {
            deleted: world.same_token(&self.deleted),
            demoted: world.same_token(&self.demoted),
            disabled: world.same_token(&self.disabled),
            revoked: world.same_token(&self.revoked),
            reset: world.same_token(&self.reset),
            staying: world.same_token(&self.staying),
        }
    }

    /// What happens to them.
    async fn meet_their_fate(&self, world: &World) {
        let mut users = world.admin.users();
        users.delete_user(delete(&self.deleted)).await.unwrap();
        let change = |client: &Client| UpdateUserRequest {
            user_id: client.user_id.clone(),
            ..UpdateUserRequest::default()
        };
        let demote = UpdateUserRequest { is_admin: Some(false), ..change(&self.demoted) };
        users.update_user(demote).await.unwrap();
        users.disable_user(disable(&self.disabled)).await.unwrap();
        let revoke = UpdateUserRequest { revoke_sessions: true, ..change(&self.revoked) };
        users.update_user(revoke).await.unwrap();
        let reset = UpdateUserRequest {
            password: NEW_PASSWORD.to_owned(),
            revoke_sessions: true,
            ..change(&self.reset)
        };
        users.update_user(reset).await.unwrap();
        world.settle().await;
    }

    /// It is as if nothing had been put back, `reset_to` being what signs in
    /// whose password was reset.
    async fn stay_where_they_are(&self, world: &World, reset_to: &str) {
        for gone in [&self.deleted, &self.disabled, &self.revoked, &self.reset] {
            assert!(!gone.is_signed_in().await);
        }
        let refused = |reason: &str| (Code::Unauthenticated, reason.to_owned());
        assert_eq!(log_in(world, "deleted", PASSWORD).await, Err(refused("INVALID_CREDENTIALS")));
        assert_eq!(
            log_in(world, "disabled", PASSWORD).await,
            Err((Code::PermissionDenied, "USER_DISABLED".to_owned()))
        );
        assert_eq!(log_in(world, "revoked", PASSWORD).await, Ok(()));
        assert_eq!(log_in(world, "reset", reset_to).await, Ok(()));
        let demoted = world.sign_in("demoted").await;
        let answer = demoted.users().list_users(ListUsersRequest::default()).await;
        assert_eq!(reason(answer), (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned()));
        let answer = world.admin.users().list_users(ListUsersRequest::default()).await.unwrap();
        let users = answer.into_inner().users;
        assert!(users.iter().all(|user| user.username != "deleted"), "{users:?}");
        let shown = |name: &str| users.iter().find(|user| user.username == name).unwrap();
        assert!(shown("disabled").disabled && !shown("demoted").is_admin);
    }
}

fn delete(client: &Client) -> DeleteUserRequest {
    DeleteUserRequest { user_id: client.user_id.clone(), ..DeleteUserRequest::default() }
}

fn disable(client: &Client) -> DisableUserRequest {
    DisableUserRequest { user_id: client.user_id.clone(), ..DisableUserRequest::default() }
}

async fn create_persona(client: &Client) {
    let persona = Persona { name: Some("One".to_owned()), ..Persona::default() };
    let request = CreatePersonaRequest { persona: Some(persona), ..Default::default() };
    client.personas().create_persona(request).await.unwrap();
}

async fn personas(client: &Client) -> usize {
    let answer = client.personas().list_personas(ListPersonasRequest::default()).await.unwrap();
    answer.into_inner().personas.len()
}

async fn log_in(world: &World, username: &str, password: &str) -> Result<(), (Code, String)> {
    let request = LoginRequest {
        username: username.to_owned(),
        password: password.to_owned(),
        ..LoginRequest::default()
    };
    match world.nobody().sessions().login(request).await {
        Ok(_) => Ok(()),
        refused @ Err(_) => Err(reason(refused)),
    }
}

/// The deletions, all of which are complete, once they are.
async fn complete_deletions(world: &World) -> Vec<Deletion> {
    cascade::converge(world).await;
    cascade::deletions(world).await
}
