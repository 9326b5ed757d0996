//! What is asked of an installation whose links are cut, and what of it cannot
//! be answered.

use roster_proto::{
    identity::v1::{GetSettingsRequest, GetUserRequest, ListUsersRequest, PlanUserDeletionRequest},
    persona::v1::{ListPersonasRequest, Persona},
    session::v1::{self as session, LoginRequest},
};
use tonic::{Code, Response, Status};

use super::installation::{Between, Installation, PERSONA, USERNAME, within};
use crate::{client::reason, world::PASSWORD};

/// A code and a reason.
pub type Refused = (Code, String);

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    Settings,
    User,
    Users,
    Plan,
    SignIn,
    OwnSessions,
    AllSessions,
    Personas,
}

impl Probe {
    pub const ALL: [Self; 8] = [
        Self::Settings,
        Self::User,
        Self::Users,
        Self::Plan,
        Self::SignIn,
        Self::OwnSessions,
        Self::AllSessions,
        Self::Personas,
    ];

    /// Whether there is no answer without this link.
    pub fn needs(self, (from, to): Between) -> bool {
        match (from, to) {
            ("gateway", "session") | ("session", "database") => self != Self::Settings,
            ("gateway", "identity") => {
                matches!(self, Self::Settings | Self::User | Self::Users | Self::Plan)
            }
            ("gateway", "persona") | ("persona", "database") => self == Self::Personas,
            ("session", "identity") => self == Self::SignIn,
            ("identity", "database") => {
                matches!(self, Self::User | Self::Users | Self::Plan | Self::SignIn)
            }
            // What is told behind a call's back, or what an answer does without.
            _others => false,
        }
    }

    /// Asks, and looks whether the answer is right; why there is none, otherwise.
    pub async fn ask(self, of: &Installation) -> Result<(), Refused> {
        match self {
            Self::Settings => {
                let asked = of.nobody.account().get_settings(within(GetSettingsRequest {})).await;
                let settings = answered(asked)?;
                assert!(!settings.allow_registration);
            }
            Self::User => {
                let request = GetUserRequest { user_id: of.mara.user_id.clone() };
                let user = answered(of.admin.users().get_user(within(request)).await)?.user;
                assert_eq!(user.unwrap().username, USERNAME);
            }
            Self::Users => {
                let request = ListUsersRequest { query: USERNAME.to_owned(), ..Default::default() };
                let users = answered(of.admin.users().list_users(within(request)).await)?.users;
                let [user] = &users[..] else { panic!("one user has that name: {users:?}") };
                assert_eq!(user.user_id, of.mara.user_id);
                let statistics = user.statistics.unwrap_or_default();
                assert!(matches!(statistics.persona_count, None | Some(1)), "{statistics:?}");
                assert_ne!(statistics.active_session_count, Some(0));
            }
            Self::Plan => self.plan(of).await?,
            Self::SignIn => {
                let request = LoginRequest {
                    username: USERNAME.to_owned(),
                    password: PASSWORD.to_owned(),
                    ..LoginRequest::default()
                };
                let session = answered(of.nobody.sessions().login(within(request)).await)?.session;
                assert_eq!(session.unwrap().user_id, of.mara.user_id);
            }
            Self::OwnSessions => {
                let request = within(session::ListSessionsRequest::default());
                let sessions = answered(of.mara.sessions().list_sessions(request).await)?.sessions;
                assert!(sessions.iter().any(|it| it.is_current), "{sessions:?}");
                assert!(sessions.iter().all(|it| it.user_id == of.mara.user_id));
            }
            Self::AllSessions => {
                let user_id = of.mara.user_id.clone();
                let request = session::SessionAdminServiceListSessionsRequest {
                    user_id,
                    ..Default::default()
                };
                let asked = of.admin.all_sessions().list_sessions(within(request)).await;
                let sessions = answered(asked)?.sessions;
                assert!(!sessions.is_empty());
                let names = sessions.iter().filter_map(|it| it.username.as_deref());
                assert!(names.clone().all(|name| name == USERNAME), "{sessions:?}");
            }
            Self::Personas => {
                let request = within(ListPersonasRequest::default());
                let personas = answered(of.mara.personas().list_personas(request).await)?.personas;
                let names: Vec<_> = personas.iter().map(Persona::name).collect();
                assert_eq!(names, [PERSONA]);
            }
        }
        Ok(())
    }

    async fn plan(self, of: &Installation) -> Result<(), Refused> {
        let request = PlanUserDeletionRequest { user_id: of.mara.user_id.clone() };
        let asked = of.admin.users().plan_user_deletion(within(request)).await;
        let plan = answered(asked)?.plan.unwrap();
        let all: Vec<_> = plan.erasures.iter().map(|it| &it.participant[..]).collect();
        assert_eq!(all, ["identity", "persona", "session"]);
        for erasure in plan.erasures.iter().filter(|it| it.answered) {
            let count = |kind| erasure.counts.iter().find(|it| it.kind == kind).map(|it| it.count);
            match &erasure.participant[..] {
                "identity" => assert_eq!(count("credentials"), Some(1)),
                "persona" => assert_eq!(count("personas"), Some(1)),
                _session => assert!(count("sessions").unwrap() > 0),
            }
        }
        Ok(())
    }
}

/// The answer, or what somebody is told who gets none.
pub fn answered<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) -> Result<T, Refused> {
    match answer {
        Ok(answer) => Ok(answer.into_inner()),
        refused => Err(reason(refused)),
    }
}

/// Whether that is what is told to somebody who needs the link, and may have
/// waited for too long.
pub fn is_due((from, to): Between, late: bool, (code, reason): &Refused) -> bool {
    match (code, &reason[..]) {
        (Code::DeadlineExceeded, "DEADLINE_EXCEEDED") => late,
        (Code::Unavailable, "UPSTREAM_UNREACHABLE" | "UPSTREAM_LOST") => from == "gateway",
        (Code::Unavailable, "IDENTITY_UNAVAILABLE") => from == "identity" || to == "identity",
        (Code::Unavailable, "UNAVAILABLE") => to == "database",
        (Code::Unavailable, "EFFECT_PENDING") => to == "broker",
        _other => false,
    }
}
