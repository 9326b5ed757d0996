//! A client of the public listener, with or without a token.

use roster_proto::{
    identity::v1::{
        IssueMachineTokenRequest, MachineTokenScope, account_service_client::AccountServiceClient,
        api_key_service_client::ApiKeyServiceClient,
        machine_token_service_client::MachineTokenServiceClient,
        system_api_key_service_client::SystemApiKeyServiceClient,
        user_admin_service_client::UserAdminServiceClient,
    },
    persona::v1::{
        annotation_service_client::AnnotationServiceClient,
        persona_admin_service_client::PersonaAdminServiceClient,
        persona_service_client::PersonaServiceClient,
    },
    session::v1::{
        session_admin_service_client::SessionAdminServiceClient,
        session_service_client::SessionServiceClient,
    },
};
use tonic::{
    Code, Request, Response, Status,
    metadata::AsciiMetadataValue,
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};
use tonic_types::StatusExt;

/// Attaches the token to each call.
#[derive(Clone, Debug)]
pub struct Bearer(Option<AsciiMetadataValue>);

impl Bearer {
    pub fn new(token: &str) -> Self {
        Self(Some(format!("Bearer {token}").parse().unwrap()))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

type Transport = InterceptedService<Channel, Bearer>;

/// One caller.
#[derive(Clone, Debug)]
pub struct Client {
    channel: Channel,
    token: Option<String>,
    /// The caller's user id; empty for nobody.
    pub user_id: String,
}

impl Client {
    pub fn new(channel: Channel) -> Self {
        Self { channel, token: None, user_id: String::new() }
    }

    pub fn with_token(&self, token: &str, user_id: &str) -> Self {
        Self {
            channel: self.channel.clone(),
            token: Some(token.to_owned()),
            user_id: user_id.to_owned(),
        }
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap()
    }

    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub fn transport(&self) -> Transport {
        let token = self.token.as_ref().map(|token| format!("Bearer {token}").parse().unwrap());
        InterceptedService::new(self.channel.clone(), Bearer(token))
    }

    pub fn users(&self) -> UserAdminServiceClient<Transport> {
        UserAdminServiceClient::new(self.transport())
    }

    pub fn account(&self) -> AccountServiceClient<Transport> {
        AccountServiceClient::new(self.transport())
    }

    pub fn api_keys(&self) -> ApiKeyServiceClient<Transport> {
        ApiKeyServiceClient::new(self.transport())
    }

    pub fn system_api_keys(&self) -> SystemApiKeyServiceClient<Transport> {
        SystemApiKeyServiceClient::new(self.transport())
    }

    pub fn machine_tokens(&self) -> MachineTokenServiceClient<Transport> {
        MachineTokenServiceClient::new(self.transport())
    }

    pub fn sessions(&self) -> SessionServiceClient<Transport> {
        SessionServiceClient::new(self.transport())
    }

    pub fn all_sessions(&self) -> SessionAdminServiceClient<Transport> {
        SessionAdminServiceClient::new(self.transport())
    }

    pub fn personas(&self) -> PersonaServiceClient<Transport> {
        PersonaServiceClient::new(self.transport())
    }

    pub fn annotations(&self) -> AnnotationServiceClient<Transport> {
        AnnotationServiceClient::new(self.transport())
    }

    pub fn all_personas(&self) -> PersonaAdminServiceClient<Transport> {
        PersonaAdminServiceClient::new(self.transport())
    }

    /// Issues a token for a program, in this caller's name; answers its id, and a
    /// client that calls with it over the same connection.
    pub async fn issue(&self, scope: MachineTokenScope) -> (String, Self) {
        let request = IssueMachineTokenRequest {
            name: "A program".to_owned(),
            scope: scope.into(),
            lifetime_days: 0,
        };
        let issued = self.machine_tokens().issue_machine_token(request).await.unwrap();
        let issued = issued.into_inner();
        let id = issued.machine_token.unwrap().machine_token_id;
        (id, self.with_token(&issued.token, &self.user_id))
    }

    /// Whether a call with this client's token is accepted.
    pub async fn is_signed_in(&self) -> bool {
        match self.account().get_profile(roster_proto::identity::v1::GetProfileRequest {}).await {
            Ok(_) => true,
            Err(status) if status.code() == Code::Unauthenticated => false,
            Err(status) => panic!("neither accepted nor refused: {status:?}"),
        }
    }
}

/// The code, the reason and the message of a refusal.
#[track_caller]
pub fn refusal<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) -> (Code, String, String) {
    let status = answer.expect_err("a refusal");
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
    assert_eq!(info.domain, "roster");
    (status.code(), info.reason.clone(), status.message().to_owned())
}

/// The code and the reason of a refusal.
#[track_caller]
pub fn reason<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) -> (Code, String) {
    let (code, reason, _message) = refusal(answer);
    (code, reason)
}
