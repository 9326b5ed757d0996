//! What this service tells the others: the states of users, and nothing
//! personal.

use roster_db::{DbError, Tx};
use roster_events::{Outbox, Retention};
use roster_kernel::{DeletionId, EventId};
use roster_proto::{
    event::v1::{UserDeleted, UserStateChanged},
    subject::v1 as pb,
};

use crate::domain::{Role, State, Subject};

/// Announces a new state of a user.
pub async fn state_changed(
    outbox: &Outbox,
    tx: &Tx,
    subject: &Subject,
) -> Result<EventId, DbError> {
    let message = UserStateChanged { state: Some(state(subject)) };
    outbox.append(tx, subject.user_id, &message, Retention::Transient).await
}

/// Announces that a user is deleted. Kept for good with its receipts: they
/// prove the deletion.
pub async fn deleted(
    outbox: &Outbox,
    tx: &Tx,
    subject: &Subject,
    deletion_id: DeletionId,
) -> Result<EventId, DbError> {
    let message = UserDeleted { state: Some(state(subject)), deletion_id: deletion_id.to_string() };
    outbox.append(tx, subject.user_id, &message, Retention::Evidence).await
}

/// The state of a user as other services read it.
pub fn state(subject: &Subject) -> pb::SubjectState {
    let role = match subject.role {
        Role::User => pb::Role::User,
        Role::Admin => pb::Role::Admin,
    };
    let state = match subject.state {
        State::Active => pb::State::Active,
        State::Disabled => pb::State::Disabled,
        State::Deleted => pb::State::Deleted,
    };
    pb::SubjectState {
        user_id: subject.user_id.to_string(),
        version: Some(pb::Version {
            incarnation: subject.version.incarnation,
            number: subject.version.number,
        }),
        session_epoch: subject.session_epoch,
        role: role.into(),
        state: state.into(),
        password_change_required: subject.password_change_required,
    }
}
