//! A valid request for each method that there is for outsiders.

use prost_reflect::{DynamicMessage, MethodDescriptor};
use roster_proto::{
    identity::v1::{
        DeleteUserRequest, DisableUserRequest, MachineTokenScope,
        SystemApiKeyServiceCreateApiKeyRequest,
    },
    persona::v1::{Annotation, CreateAnnotationRequest},
    session::v1::ListSessionsRequest,
};
use serde_json::{Value, json};

use super::{
    cast::{Cast, Who},
    contract,
};
use crate::world::{PASSWORD, World};

/// A request that a caller makes.
#[derive(Clone, Debug)]
pub struct Fixture {
    pub request: DynamicMessage,
    /// The reason with which everybody but the owner is told that it does not
    /// exist; `None` if the request asks for nothing that has one owner.
    pub hidden_as: Option<&'static str>,
}

/// A stage with a caller on it.
#[derive(Clone, Copy)]
pub struct Stage<'a> {
    pub world: &'a World,
    pub cast: &'a Cast,
    pub who: Who,
}

/// Something that belongs to nobody and to no user.
pub const OF_NO_ONE: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

impl Stage<'_> {
    /// A valid request of this caller. A method without one fails the test.
    pub async fn fixture(&self, method: &MethodDescriptor) -> Fixture {
        let name = contract::name(method);
        let (package, rest) = name.split_once(".v1.").unwrap();
        let fixture = match package {
            "roster.identity" => self.identity(rest).await,
            "roster.session" => self.session(rest).await,
            "roster.persona" => self.persona(rest).await,
            _ => None,
        };
        let (json, hidden_as) = fixture.unwrap_or_else(|| panic!("{name} has no fixture"));
        Fixture { request: contract::message(method.input(), &json), hidden_as }
    }

    /// A username that nobody has.
    fn username(&self) -> String {
        format!("u{}", self.world.env.uuid().simple())
    }

    /// A user whom nobody will miss.
    async fn bystander(&self) -> String {
        self.world.create_user(&self.username()).await.user_id
    }

    async fn disabled(&self) -> String {
        let user_id = self.bystander().await;
        let request = DisableUserRequest { user_id: user_id.clone(), ..Default::default() };
        self.world.admin.users().disable_user(request).await.unwrap();
        user_id
    }

    async fn deletion(&self) -> String {
        let request = DeleteUserRequest { user_id: self.bystander().await, ..Default::default() };
        let answer = self.world.admin.users().delete_user(request).await.unwrap();
        answer.into_inner().deletion.unwrap().deletion_id
    }

    /// Something that the owner of what is asked for has marked.
    async fn annotation(&self) -> String {
        let owner = self.cast.member(self.who.owner());
        let annotation = Annotation {
            persona_id: Some(owner.persona_id.clone()),
            video_id: Some("v1".to_owned()),
            r#type: Some("entity".to_owned()),
            ..Default::default()
        };
        let request =
            CreateAnnotationRequest { annotation: Some(annotation), request_id: String::new() };
        if matches!(self.who, Who::AdminToChange | Who::UserToChange) {
            // Whoever must change the password first has not marked anything.
            return OF_NO_ONE.to_owned();
        }
        let created = owner.client.annotations().create_annotation(request).await.unwrap();
        created.into_inner().annotation.unwrap().annotation_id
    }

    /// A provider that nobody has a key for.
    fn provider(&self) -> String {
        format!("p{}", self.world.env.uuid().simple())
    }

    async fn system_key(&self) -> String {
        let request = SystemApiKeyServiceCreateApiKeyRequest {
            provider: self.provider(),
            name: "Main".to_owned(),
            secret: "s3cret-s3cret".to_owned(),
            ..Default::default()
        };
        let answer = self.world.admin.system_api_keys().create_api_key(request).await.unwrap();
        answer.into_inner().api_key.unwrap().api_key_id
    }

    fn new_user(&self) -> Value {
        json!({
            "username": self.username(),
            "displayName": "Somebody",
            "email": "somebody@example.org",
            "password": PASSWORD,
        })
    }

    async fn identity(&self, method: &str) -> Option<(Value, Option<&'static str>)> {
        let request = match method {
            "AccountService/GetProfile"
            | "AccountService/GetSettings"
            | "ApiKeyService/ListApiKeys"
            | "SystemApiKeyService/ListApiKeys"
            | "MachineTokenService/ListMachineTokens" => json!({}),
            "AccountService/Register" | "UserAdminService/CreateUser" => self.new_user(),
            "AccountService/UpdateProfile" => json!({"displayName": "Another", "email": "a@b.c"}),
            "AccountService/ChangePassword" => {
                json!({"currentPassword": PASSWORD, "newPassword": "battery staple"})
            }
            "UserAdminService/GetUser"
            | "UserAdminService/PlanUserDeletion"
            | "UserAdminService/ExportUserData"
            | "UserAdminService/DisableUser"
            | "UserAdminService/DeleteUser" => json!({"userId": self.bystander().await}),
            "UserAdminService/EnableUser" => json!({"userId": self.disabled().await}),
            "UserAdminService/UpdateUser" => {
                json!({"userId": self.bystander().await, "displayName": "New", "email": "n@e.w"})
            }
            "UserAdminService/BatchGetUsers" => json!({"userIds": [self.bystander().await]}),
            "UserAdminService/ListUsers" => json!({"pageSize": 2, "orderBy": "username"}),
            "UserAdminService/GetDeletion"
            | "UserAdminService/RetryDeletion"
            | "UserAdminService/WatchDeletion" => json!({"deletionId": self.deletion().await}),
            "UserAdminService/ListDeletions" => json!({"pageSize": 2}),
            "UserAdminService/GetStatistics" => json!({"startDay": "2026-01-01"}),
            "ApiKeyService/CreateApiKey" | "SystemApiKeyService/CreateApiKey" => {
                json!({"provider": self.provider(), "name": "Main", "secret": "s3cret-s3cret"})
            }
            "ApiKeyService/UpdateApiKey" => {
                let api_key_id = &self.cast.member(self.who.owner()).api_key_id;
                let request = json!({"apiKeyId": api_key_id, "name": "Other"});
                return Some((request, Some("API_KEY_NOT_FOUND")));
            }
            "ApiKeyService/DeleteApiKey" => {
                let api_key_id = &self.cast.member(self.who.owner()).api_key_id;
                return Some((json!({"apiKeyId": api_key_id}), Some("API_KEY_NOT_FOUND")));
            }
            "SystemApiKeyService/UpdateApiKey" => {
                json!({"apiKeyId": self.system_key().await, "name": "Other"})
            }
            "SystemApiKeyService/DeleteApiKey" => json!({"apiKeyId": self.system_key().await}),
            "MachineTokenService/IssueMachineToken" => {
                json!({"name": "CI", "scope": "MACHINE_TOKEN_SCOPE_READ_ONLY", "lifetimeDays": 1})
            }
            "MachineTokenService/RevokeMachineToken" => {
                let (id, _) = self.world.admin.issue(MachineTokenScope::Admin).await;
                json!({"machineTokenId": id})
            }
            _ => return None,
        };
        Some((request, None))
    }

    async fn session(&self, method: &str) -> Option<(Value, Option<&'static str>)> {
        let owner = self.cast.member(self.who.owner());
        let request = match method {
            "SessionService/Login" => json!({"username": owner.username, "password": PASSWORD}),
            "SessionService/Logout" => json!({}),
            "SessionService/ListSessions" => json!({"pageSize": 2}),
            "SessionService/RevokeSession" => {
                let session_id = owner.session_id.clone();
                return Some((json!({"sessionId": session_id}), Some("SESSION_NOT_FOUND")));
            }
            "SessionAdminService/ListSessions" => json!({"userId": owner.client.user_id}),
            "SessionAdminService/RevokeSession" => {
                let username = self.world.create_user(&self.username()).await.username;
                let client = self.world.sign_in(&username).await;
                let list = client.sessions().list_sessions(ListSessionsRequest::default()).await;
                json!({"sessionId": list.unwrap().into_inner().sessions[0].session_id})
            }
            "SessionAdminService/RevokeSessions" => json!({"userId": self.bystander().await}),
            _ => return None,
        };
        Some((request, None))
    }

    async fn persona(&self, method: &str) -> Option<(Value, Option<&'static str>)> {
        let owner = self.cast.member(self.who.owner());
        let (persona_id, user_id) = (&owner.persona_id, &owner.client.user_id);
        let persona = json!({
            "name": "Botanist",
            "role": "Looks at plants",
            "informationNeed": "Which ones?",
            "details": "The small ones.",
        });
        let not_found = Some("PERSONA_NOT_FOUND");
        let fixture = match method {
            "PersonaService/CreatePersona" => (json!({"persona": persona}), None),
            "PersonaService/ListPersonas" => (json!({"pageSize": 2}), None),
            "PersonaService/GetPersona" | "PersonaService/DeletePersona" => {
                (json!({"personaId": persona_id}), not_found)
            }
            "PersonaService/UpdatePersona" => {
                (json!({"personaId": persona_id, "persona": persona}), not_found)
            }
            "PersonaAdminService/ListUserPersonas"
            | "PersonaAdminService/ListUserOntologies"
            | "PersonaAdminService/ListUserAnnotations" => (json!({"userId": user_id}), None),
            "PersonaAdminService/TransferPersonas" => {
                let to = self.bystander().await;
                (json!({"fromUserId": user_id, "toUserId": to, "personaIds": [persona_id]}), None)
            }
            "OntologyService/GetOntology" => (json!({"personaId": persona_id}), not_found),
            "OntologyService/UpdateOntology" => {
                (json!({"personaId": persona_id, "ontology": ontology()}), not_found)
            }
            "AnnotationService/ListAnnotations" => (json!({}), None),
            "AnnotationService/CreateAnnotation" => {
                (json!({"annotation": annotation(persona_id)}), not_found)
            }
            "AnnotationService/GetAnnotation" | "AnnotationService/DeleteAnnotation" => {
                let annotation_id = self.annotation().await;
                (json!({"annotationId": annotation_id}), Some("ANNOTATION_NOT_FOUND"))
            }
            "AnnotationService/UpdateAnnotation" => {
                let annotation_id = self.annotation().await;
                let annotation = annotation(persona_id);
                let request = json!({"annotationId": annotation_id, "annotation": annotation});
                (request, Some("ANNOTATION_NOT_FOUND"))
            }
            _ => return None,
        };
        Some(fixture)
    }
}

/// A list of each kind with a type in it.
fn ontology() -> Value {
    json!({
        "entityTypes": [{"typeId": "bird", "name": "Bird"}],
        "eventTypes": [{"typeId": "arrival", "name": "Arrival", "roles": [{"roleTypeId": "agent"}]}],
        "roleTypes": [{"typeId": "agent", "name": "Agent"}],
        "relationTypes": [{"typeId": "eats", "name": "eats"}],
    })
}

fn annotation(persona_id: &str) -> Value {
    json!({
        "personaId": persona_id,
        "videoId": "v1",
        "type": "entity",
        "label": "A tree",
        "frames": [{"frameNumber": "1", "width": 2, "height": 3}],
    })
}
