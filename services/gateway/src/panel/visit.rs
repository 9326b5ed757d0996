//! Who looks at a page, and at which.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::{FromRequestParts, Request},
    middleware::Next,
    response::Response,
};
use http::{Uri, request::Parts};
use roster_proto::identity::v1::{GetProfileRequest, User};
use tonic::Code;

use super::{Panel, edge::Edge, notice::Notice, stop::Stop};

/// One request for a page.
#[derive(Clone, Debug, Default)]
pub struct Visit {
    /// Who is signed in.
    pub user: Option<Arc<User>>,
    /// The page, with its query.
    pub asked: String,
    /// What was done just before.
    pub notice: Option<Notice>,
    /// Why it is not known who is signed in.
    unknown: Option<Box<Stop>>,
}

/// Somebody who is signed in, and may go on.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The request.
    pub visit: Visit,
    /// The account.
    pub user: Arc<User>,
}

/// An administrator. That spares a page; what an administrator may do is held
/// behind the edge.
#[derive(Clone, Debug)]
pub struct Admin {
    /// The request.
    pub visit: Visit,
    /// The account.
    pub user: Arc<User>,
}

/// Finds out who asks, and makes a page of what stopped the one that was asked
/// for.
pub async fn layer(edge: Edge, mut request: Request, next: Next) -> Response {
    let visit = Visit::new(&edge, request.uri().clone()).await;
    let is_safe = request.method().is_safe();
    request.extensions_mut().insert(visit.clone());
    let mut answer = next.run(request).await;
    match answer.extensions_mut().remove::<Stop>() {
        Some(stop) => stop.answer(&visit, is_safe),
        None => answer,
    }
}

impl Visit {
    async fn new(edge: &Edge, uri: Uri) -> Self {
        let asked = uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        let notice = uri.query().and_then(Notice::of_query);
        let visit = Self { asked, notice, ..Self::default() };
        if !edge.has_credentials() {
            return visit;
        }
        match edge.account().get_profile(edge.call(GetProfileRequest {})).await {
            Ok(answer) => Self { user: answer.into_inner().user.map(Arc::new), ..visit },
            // A session that has ended is none.
            Err(status) if status.code() == Code::Unauthenticated => visit,
            Err(status) => Self { unknown: Some(Box::new(status.into())), ..visit },
        }
    }

    fn signed_in(&self) -> Result<Arc<User>, Stop> {
        let unknown = || self.unknown.as_deref().cloned().unwrap_or(Stop::SignIn);
        let user = self.user.clone().ok_or_else(unknown)?;
        if user.password_change_required { Err(Stop::ChangePassword) } else { Ok(user) }
    }
}

impl FromRequestParts<Panel> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(head: &mut Parts, _: &Panel) -> Result<Self, Infallible> {
        Ok(head.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

impl FromRequestParts<Panel> for SignedIn {
    type Rejection = Stop;

    async fn from_request_parts(head: &mut Parts, panel: &Panel) -> Result<Self, Stop> {
        let Ok(visit) = Visit::from_request_parts(head, panel).await;
        let user = visit.signed_in()?;
        Ok(Self { visit, user })
    }
}

impl FromRequestParts<Panel> for Admin {
    type Rejection = Stop;

    async fn from_request_parts(head: &mut Parts, panel: &Panel) -> Result<Self, Stop> {
        let SignedIn { visit, user } = SignedIn::from_request_parts(head, panel).await?;
        if user.is_admin { Ok(Self { visit, user }) } else { Err(Stop::AdminRequired) }
    }
}
