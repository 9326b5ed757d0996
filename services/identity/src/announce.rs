//! What this service tells the others: the states of users, and nothing
//! personal.

use roster_db::{DbError, Tx};
use roster_events::{Outbox, Retention};
use roster_kernel::{DeletionId, EventId, ServiceName};
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
    outbox.append(tx, subject.user_id, &changed(subject), Retention::Transient).await
}

/// Tells one participant alone of a state that the others know.
pub async fn state_for(
    outbox: &Outbox,
    tx: &Tx,
    participant: &ServiceName,
    subject: &Subject,
) -> Result<(), DbError> {
    outbox.append_for(tx, participant, subject.user_id, &changed(subject)).await?;
    Ok(())
}

fn changed(subject: &Subject) -> UserStateChanged {
    UserStateChanged { state: Some(state(subject)) }
}

/// Announces that a user is deleted. Kept for good with its receipts: they
/// prove the deletion.
pub async fn deleted(
    outbox: &Outbox,
    tx: &Tx,
    subject: &Subject,
    deletion_id: DeletionId,
) -> Result<EventId, DbError> {
    let message = gone(subject, deletion_id);
    outbox.append(tx, subject.user_id, &message, Retention::Evidence).await
}

/// Tells one participant alone of a user who has been deleted before. The proof
/// of that deletion stays what it was.
pub async fn deleted_for(
    outbox: &Outbox,
    tx: &Tx,
    participant: &ServiceName,
    subject: &Subject,
    deletion_id: DeletionId,
) -> Result<(), DbError> {
    let message = gone(subject, deletion_id);
    outbox.append_for(tx, participant, subject.user_id, &message).await?;
    Ok(())
}

fn gone(subject: &Subject, deletion_id: DeletionId) -> UserDeleted {
    UserDeleted { state: Some(state(subject)), deletion_id: deletion_id.to_string() }
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
