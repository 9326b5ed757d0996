//! Whom participants know of.

use std::time::Duration;

use roster_kernel::{Caller, ServiceName, UserId};
use roster_proto::subject::v1::{self as pb, KnownSubject, ListSubjectsRequest};
use tonic::Status;

use super::{Client, Participants};
use crate::domain::{Role, State, Subject, Version};

/// How long a participant may take for a page.
const PAGE_WITHIN: Duration = Duration::from_secs(10);

/// A participant that does not say whom it knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the participant {0} does not say whom it knows, the log says why; nothing has changed")]
pub struct Silent(pub ServiceName);

impl Participants {
    /// The users whom one participant knows of, by id, behind `after`: some of
    /// them, or none if there are no more. Nothing but the id is known of those
    /// without a state.
    pub async fn subjects(
        &self,
        caller: &Caller,
        participant: &ServiceName,
        after: Option<UserId>,
    ) -> Result<Vec<(UserId, Option<Subject>)>, Silent> {
        let silent = || Silent(participant.clone());
        let way = self.way(participant).await.ok_or_else(silent)?;
        let after_user_id = after.map(|user| user.to_string()).unwrap_or_default();
        let message = ListSubjectsRequest { after_user_id, page_size: 0 };
        let request = self.request(message, caller, None);
        let mut client = Client::new(way);
        let answer = tokio::select! {
            answer = client.list_subjects(request) => answer,
            () = self.env.sleep(PAGE_WITHIN) => Err(Status::deadline_exceeded("no page in time")),
        };
        let answer = answer.map_err(|status| {
            tracing::warn!(%participant, code = ?status.code(), "subjects not listed");
            silent()
        })?;
        let subjects = answer.into_inner().subjects.into_iter().map(known);
        subjects.collect::<Option<Vec<_>>>().ok_or_else(|| {
            tracing::warn!(%participant, "listed a subject that is none");
            silent()
        })
    }
}

fn known(message: KnownSubject) -> Option<(UserId, Option<Subject>)> {
    let user_id = UserId::parse(&message.user_id).ok()?;
    let Some(state) = message.state else { return Some((user_id, None)) };
    (state.user_id == message.user_id).then_some(())?;
    Some((user_id, Some(subject(user_id, &state)?)))
}

fn subject(user_id: UserId, message: &pb::SubjectState) -> Option<Subject> {
    let version = message.version?;
    Some(Subject {
        user_id,
        version: Version { incarnation: version.incarnation, number: version.number },
        session_epoch: message.session_epoch,
        role: match message.role() {
            pb::Role::User => Role::User,
            pb::Role::Admin => Role::Admin,
            pb::Role::Unspecified => return None,
        },
        state: match message.state() {
            pb::State::Active => State::Active,
            pb::State::Disabled => State::Disabled,
            pb::State::Deleted => State::Deleted,
            pb::State::Unspecified => return None,
        },
        password_change_required: message.password_change_required,
    })
}
