//! Who calls: everybody that the access rules tell apart.

use roster_proto::{
    identity::v1::{CreateApiKeyRequest, CreateUserRequest, MachineTokenScope, UpdateUserRequest},
    persona::v1::{CreatePersonaRequest, Persona},
    session::v1::ListSessionsRequest,
};

use crate::{
    client::Client,
    world::{World, person},
};

/// A kind of caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Admin,
    /// Asks for what belongs to the user.
    OtherAdmin,
    User,
    /// Asks for what belongs to the user.
    OtherUser,
    /// Has no token. Asks for what belongs to the user.
    Nobody,
    /// Has to change the password first.
    AdminToChange,
    /// Has to change the password first.
    UserToChange,
    /// Calls with a token that an administrator has issued. Asks for what belongs
    /// to the other user: of the user's, another administrator gives some away.
    Machine,
    /// Has a token to look with. Asks for what belongs to the user.
    ReadingMachine,
    /// The issuer is no administrator any more. Asks for what belongs to the user.
    DemotedMachine,
    /// The issuer has to change the password first. Asks for what belongs to the
    /// user.
    MachineToChange,
}

impl Who {
    pub const EVERYBODY: [Self; 11] = [
        Self::Admin,
        Self::OtherAdmin,
        Self::User,
        Self::OtherUser,
        Self::Nobody,
        Self::AdminToChange,
        Self::UserToChange,
        Self::Machine,
        Self::ReadingMachine,
        Self::DemotedMachine,
        Self::MachineToChange,
    ];

    /// What the token of a machine is for; nothing where it is somebody.
    pub const fn scope(self) -> Option<MachineTokenScope> {
        match self {
            Self::Machine | Self::DemotedMachine | Self::MachineToChange => {
                Some(MachineTokenScope::Admin)
            }
            Self::ReadingMachine => Some(MachineTokenScope::ReadOnly),
            Self::Admin
            | Self::OtherAdmin
            | Self::User
            | Self::OtherUser
            | Self::Nobody
            | Self::AdminToChange
            | Self::UserToChange => None,
        }
    }

    /// Whose belongings this caller asks for.
    pub const fn owner(self) -> Self {
        match self {
            Self::Admin | Self::User | Self::AdminToChange | Self::UserToChange => self,
            Self::OtherAdmin
            | Self::OtherUser
            | Self::Nobody
            | Self::ReadingMachine
            | Self::DemotedMachine
            | Self::MachineToChange => Self::User,
            Self::Machine => Self::OtherUser,
        }
    }
}

/// A caller with what belongs to them.
#[derive(Clone, Debug)]
pub struct Member {
    pub client: Client,
    pub username: String,
    pub session_id: String,
    pub persona_id: String,
    pub api_key_id: String,
}

/// One caller of each kind, new and unknown to each other.
#[derive(Debug)]
pub struct Cast {
    nobody: Client,
    members: Vec<(Who, Member)>,
}

impl Cast {
    /// `name` keeps the usernames of several casts apart.
    pub async fn new(world: &World, name: &str) -> Self {
        let mut members = Vec::new();
        for who in Who::EVERYBODY {
            if who != Who::Nobody {
                let username = format!("{name}.{who:?}").to_lowercase();
                members.push((who, member(world, who, username).await));
            }
        }
        Self { nobody: world.nobody(), members }
    }

    pub fn member(&self, who: Who) -> &Member {
        let (_, member) = self.members.iter().find(|(other, _)| *other == who).unwrap();
        member
    }

    pub fn client(&self, who: Who) -> &Client {
        match who {
            Who::Nobody => &self.nobody,
            Who::Admin
            | Who::OtherAdmin
            | Who::User
            | Who::OtherUser
            | Who::AdminToChange
            | Who::UserToChange
            | Who::Machine
            | Who::ReadingMachine
            | Who::DemotedMachine
            | Who::MachineToChange => &self.member(who).client,
        }
    }
}

async fn member(world: &World, who: Who, username: String) -> Member {
    let admins = [Who::Admin, Who::OtherAdmin, Who::AdminToChange];
    let is_admin = admins.contains(&who) || who.scope().is_some();
    let request = CreateUserRequest { username: username.clone(), is_admin, ..person() };
    let user = world.create(request).await;
    let client = world.sign_in(&username).await;
    let persona = Persona { name: Some("Ecologist".to_owned()), ..Persona::default() };
    let request = CreatePersonaRequest { persona: Some(persona), ..Default::default() };
    let created = client.personas().create_persona(request).await.unwrap().into_inner();
    let request = CreateApiKeyRequest {
        provider: "acme".to_owned(),
        name: "Main".to_owned(),
        secret: "s3cret-s3cret".to_owned(),
        ..Default::default()
    };
    let key = client.api_keys().create_api_key(request).await.unwrap().into_inner();
    let sessions = client.sessions().list_sessions(ListSessionsRequest::default()).await.unwrap();
    let client = match who.scope() {
        Some(scope) => client.issue(scope).await.1,
        None => client,
    };
    let to_change = [Who::AdminToChange, Who::UserToChange, Who::MachineToChange].contains(&who);
    let change = UpdateUserRequest {
        user_id: user.user_id,
        password_change_required: to_change.then_some(true),
        is_admin: (who == Who::DemotedMachine).then_some(false),
        ..UpdateUserRequest::default()
    };
    if change.password_change_required.is_some() || change.is_admin.is_some() {
        world.admin.users().update_user(change).await.unwrap();
    }
    Member {
        client,
        username,
        session_id: sessions.into_inner().sessions[0].session_id.clone(),
        persona_id: created.persona.unwrap().persona_id,
        api_key_id: key.api_key.unwrap().api_key_id,
    }
}
