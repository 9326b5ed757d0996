//! Calls through the edge, on behalf of whoever asked for a page.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::{Extensions, HeaderMap, HeaderValue, header, request::Parts};
use roster_kernel::{Env, Timestamp};
use roster_proto::{
    identity::v1::{
        account_service_client::AccountServiceClient, api_key_service_client::ApiKeyServiceClient,
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
use roster_server::{CorrelationId, Upstream};
use tonic::{Request, metadata::MetadataMap};

use super::Panel;
use crate::{layer::correlation, web::call::KEPT};

/// The edge, for calls that say what the request for the page said of its sender.
#[derive(Clone, Debug)]
pub struct Edge {
    upstream: Upstream,
    env: Env,
    metadata: MetadataMap,
    extensions: Extensions,
}

impl FromRequestParts<Panel> for Edge {
    type Rejection = Infallible;

    async fn from_request_parts(head: &mut Parts, panel: &Panel) -> Result<Self, Infallible> {
        let kept = KEPT.iter().flat_map(|name| {
            head.headers.get_all(name).iter().map(move |value| (name.clone(), value.clone()))
        });
        let mut headers: HeaderMap = kept.collect();
        // All calls for one page go under its name.
        let name = head.extensions.get::<CorrelationId>();
        if let Some(name) = name.and_then(|id| HeaderValue::try_from(&id.0).ok()) {
            headers.insert(correlation::HEADER, name);
        }
        Ok(Self {
            upstream: panel.edge.clone(),
            env: panel.env.clone(),
            metadata: MetadataMap::from_headers(headers),
            extensions: head.extensions.clone(),
        })
    }
}

impl Edge {
    /// A call with `message`.
    pub fn call<T>(&self, message: T) -> Request<T> {
        Request::from_parts(self.metadata.clone(), self.extensions.clone(), message)
    }

    /// Whether the browser says that it is signed in.
    pub fn has_credentials(&self) -> bool {
        self.metadata.contains_key(header::AUTHORIZATION.as_str())
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.env.now()
    }

    /// Where randomness comes from.
    pub const fn env(&self) -> &Env {
        &self.env
    }

    /// A name for what a form will ask for, so that sending it twice does it once.
    pub fn request_id(&self) -> String {
        self.env.uuid().to_string()
    }
}

/// One method for the client of each service.
macro_rules! clients {
    ($($name:ident: $client:ident, $doc:literal;)*) => {
        impl Edge {
            $(
                #[doc = $doc]
                pub fn $name(&self) -> $client<Upstream> {
                    $client::new(self.upstream.clone())
                }
            )*
        }
    };
}

clients! {
    users: UserAdminServiceClient, "Users, their deletions, and statistics.";
    account: AccountServiceClient, "One's own account.";
    own_keys: ApiKeyServiceClient, "One's own API keys.";
    system_keys: SystemApiKeyServiceClient, "The API keys of the system.";
    sessions: SessionServiceClient, "Signing in and out, and one's own sessions.";
    all_sessions: SessionAdminServiceClient, "The sessions of all users.";
    personas: PersonaServiceClient, "One's own personas.";
    annotations: AnnotationServiceClient, "One's own annotations.";
    all_personas: PersonaAdminServiceClient, "The personas of all users.";
}
