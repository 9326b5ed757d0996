//! Session Monitoring.

mod device;
mod list;
mod revoke;
mod search;
mod table;

use axum::{
    Router,
    routing::{get, post},
};
use roster_proto::{
    identity::v1::{GetUserRequest, User},
    session::v1::{RevokeSessionsRequest, SessionAdminServiceListSessionsRequest},
};
use tonic::Code;

pub use self::table::{Revocation, revoked, table};
use super::{Panel, edge::Edge, form::Label, link, stop::Stop, visit::Admin};

const PATH: &str = "/admin/sessions";

const LABELS: &[Label] = &[("user_id", "User"), ("ip_address", "Address")];

/// The pages about sessions.
pub fn router() -> Router<Panel> {
    Router::new()
        .route(PATH, get(list::show))
        .route("/admin/sessions/revoke", get(revoke::ask).post(revoke::revoke_all))
        .route("/admin/sessions/{id}/revoke", post(revoke::revoke_one))
}

/// Which sessions are meant: those that match all that is given.
#[derive(Clone, Debug, Default)]
struct Filter {
    /// The id of the user.
    user: String,
    /// Where the user signed in from.
    ip_address: String,
}

impl Filter {
    /// Whether all sessions are meant.
    const fn is_all(&self) -> bool {
        self.user.is_empty() && self.ip_address.is_empty()
    }

    /// Whether the session of whoever looks at the page may be meant.
    fn may_match(&self, Admin { user, .. }: &Admin) -> bool {
        self.user.is_empty() || self.user == user.user_id
    }

    fn list(&self, page: &str) -> SessionAdminServiceListSessionsRequest {
        SessionAdminServiceListSessionsRequest {
            user_id: self.user.clone(),
            ip_address: self.ip_address.clone(),
            page_token: page.to_owned(),
            ..SessionAdminServiceListSessionsRequest::default()
        }
    }

    /// A filter that got lost on the way never means all: that is said.
    fn revoke(&self) -> RevokeSessionsRequest {
        RevokeSessionsRequest {
            user_id: self.user.clone(),
            ip_address: self.ip_address.clone(),
            all: self.is_all(),
            ..RevokeSessionsRequest::default()
        }
    }

    /// A page about these sessions.
    fn at(&self, path: &str, more: &[(&str, &str)]) -> String {
        let own = [("user", self.user.as_str()), ("ip_address", &self.ip_address)];
        link::with_query(path, &[&own, more].concat())
    }
}

/// The user that a filter names; who has been deleted is nobody.
async fn user_of(edge: &Edge, filter: &Filter) -> Result<Option<User>, Stop> {
    if filter.user.is_empty() {
        return Ok(None);
    }
    let request = GetUserRequest { user_id: filter.user.clone() };
    match edge.users().get_user(edge.call(request)).await {
        Ok(answer) => Ok(answer.into_inner().user),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(status.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_meant_only_where_nobody_is_named() {
        assert!(Filter::default().revoke().all);
        let user = Filter { user: "1".to_owned(), ..Filter::default() };
        let address = Filter { ip_address: "::1".to_owned(), ..Filter::default() };
        assert!(!user.revoke().all && !address.revoke().all);
        assert_eq!(
            (user.revoke().user_id, address.revoke().ip_address),
            ("1".into(), "::1".into())
        );
    }

    #[test]
    fn the_next_page_is_of_the_same_sessions() {
        let filter = Filter { user: "1".to_owned(), ip_address: "::1".to_owned() };
        let expected = "/admin/sessions?user=1&ip_address=%3A%3A1&page=T%3D";
        assert_eq!(filter.at(PATH, &[("page", "T=")]), expected);
        assert_eq!(Filter::default().at(PATH, &[]), PATH);
        assert_eq!(filter.list("T=").page_token, "T=");
    }
}
