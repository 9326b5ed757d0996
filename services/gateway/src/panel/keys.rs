//! API keys: those of the system, and one's own. Both are kept in the same way. A
//! key itself is only ever taken in: no page, no address and no log has it.

mod calls;
mod edit;
mod list;
mod remove;

use axum::{
    Extension, Router,
    extract::FromRequestParts,
    routing::{get, post},
};
use http::request::Parts;

use super::{
    Panel,
    form::Label,
    stop::Stop,
    ui::Tab,
    visit::{Admin, SignedIn, Visit},
};

const LABELS: &[Label] = &[("provider", "Provider"), ("name", "Name"), ("secret", "Key")];

/// Whose keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The system's, for everybody who has none of their own.
    System,
    /// Those of whoever is signed in.
    User,
}

/// Somebody who may look after the keys.
#[derive(Clone, Debug)]
struct Keeper {
    owner: Owner,
    visit: Visit,
}

/// The pages about the keys of `owner`.
pub fn router(owner: Owner) -> Router<Panel> {
    let path = owner.path();
    Router::new()
        .route(path, get(list::show))
        .route(&format!("{path}/new"), get(edit::begin).post(edit::create))
        .route(&format!("{path}/{{id}}"), get(edit::show).post(edit::save))
        .route(&format!("{path}/{{id}}/active"), post(list::switch))
        .route(&format!("{path}/{{id}}/delete"), get(remove::ask).post(remove::delete))
        .layer(Extension(owner))
}

impl Owner {
    const fn path(self) -> &'static str {
        match self {
            Self::System => "/admin/system-keys",
            Self::User => "/account/keys",
        }
    }

    const fn tab(self) -> Tab {
        match self {
            Self::System => Tab::SystemKeys,
            Self::User => Tab::OwnKeys,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::System => "System API Keys",
            Self::User => "My API Keys",
        }
    }

    /// The page of one key.
    fn key(self, id: &str) -> String {
        format!("{}/{id}", self.path())
    }
}

impl FromRequestParts<Panel> for Keeper {
    type Rejection = Stop;

    async fn from_request_parts(head: &mut Parts, panel: &Panel) -> Result<Self, Stop> {
        let owner = head.extensions.get::<Owner>().copied().ok_or(Stop::Missing)?;
        let visit = match owner {
            Owner::System => Admin::from_request_parts(head, panel).await?.visit,
            Owner::User => SignedIn::from_request_parts(head, panel).await?.visit,
        };
        Ok(Self { owner, visit })
    }
}
