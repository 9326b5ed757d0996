//! The deletion of a user, which outlives the user.

use roster_kernel::{DeletionId, EventId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// What is kept of a deletion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionRecord {
    /// The deletion.
    pub id: DeletionId,
    /// Who was deleted.
    pub user_id: UserId,
    /// The event that tells the participants.
    pub event_id: EventId,
    /// The administrator in whose name it was done; `None` where a service did it,
    /// or where it was found out from the other services.
    pub requested_by: Option<UserId>,
    /// When the account was deleted.
    pub created_at: Timestamp,
    /// How many rows of each kind this service itself has erased.
    pub erased: Vec<(String, i64)>,
}

/// How far one participant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptState {
    /// It has been asked.
    Pending,
    /// It has not confirmed after many attempts.
    Parked,
    /// It has erased everything.
    Done,
    /// It was retired before it confirmed.
    Waived,
}

/// What one participant has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The participant's name.
    pub participant: String,
    /// How far it is.
    pub state: ReceiptState,
    /// How many rows of each kind it has erased.
    pub counts: Vec<(String, i64)>,
    /// How often it was asked.
    pub attempts: u32,
    /// When it had erased everything, or was retired.
    pub completed_at: Option<Timestamp>,
    /// The class of its last failure.
    pub failure: Option<String>,
}

/// How far a deletion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum DeletionState {
    /// Participants are erasing.
    Running,
    /// One of them has not confirmed after many attempts.
    Stalled,
    /// All of them have confirmed, or were retired.
    Complete,
}

/// A deletion with its receipts of this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletionView {
    /// What is kept of it.
    pub record: DeletionRecord,
    /// One for each participant, this service first.
    pub receipts: Vec<Receipt>,
}

/// What one service would erase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedErasure {
    /// The service's name.
    pub participant: String,
    /// How many rows there are of each kind; `None` where it does not say.
    pub counts: Option<Vec<(String, i64)>>,
}

impl DeletionRecord {
    /// This service's own receipt: its part was done in one transaction.
    #[must_use]
    pub fn own_receipt(&self, participant: &str) -> Receipt {
        Receipt {
            participant: participant.to_owned(),
            state: ReceiptState::Done,
            counts: self.erased.clone(),
            attempts: 1,
            completed_at: Some(self.created_at),
            failure: None,
        }
    }
}

impl DeletionView {
    /// How far it is: what its receipts say, and nothing besides.
    #[must_use]
    pub fn state(&self) -> DeletionState {
        let any = |state| self.receipts.iter().any(|receipt| receipt.state == state);
        if any(ReceiptState::Parked) {
            DeletionState::Stalled
        } else if any(ReceiptState::Pending) {
            DeletionState::Running
        } else {
            DeletionState::Complete
        }
    }

    /// When the last participant had erased everything.
    #[must_use]
    pub fn completed_at(&self) -> Option<Timestamp> {
        let times: Option<Vec<_>> =
            self.receipts.iter().map(|receipt| receipt.completed_at).collect();
        times?.into_iter().max()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn the_slowest_receipt_decides() {
        let (_, env) = roster_testkit::env(1);
        let record = DeletionRecord {
            id: DeletionId::generate(&env),
            user_id: UserId::generate(&env),
            event_id: EventId::generate(&env),
            requested_by: Some(UserId::generate(&env)),
            created_at: env.now(),
            erased: vec![("users".to_owned(), 1)],
        };
        let receipt = |state, completed_at| Receipt {
            participant: "session".to_owned(),
            state,
            counts: Vec::new(),
            attempts: 1,
            completed_at,
            failure: None,
        };
        let view = |receipts: Vec<Receipt>| {
            let own = record.own_receipt("identity");
            let receipts = std::iter::once(own).chain(receipts).collect();
            DeletionView { record: record.clone(), receipts }
        };
        let later = Some(env.now() + TimeDelta::seconds(5));
        let alone = view(Vec::new());
        assert_eq!(alone.state(), DeletionState::Complete);
        assert_eq!(alone.completed_at(), Some(env.now()));
        let done = receipt(ReceiptState::Done, later);
        let complete = view(vec![done.clone()]);
        assert_eq!((complete.state(), complete.completed_at()), (DeletionState::Complete, later));
        let waived = view(vec![done.clone(), receipt(ReceiptState::Waived, later)]);
        assert_eq!((waived.state(), waived.completed_at()), (DeletionState::Complete, later));
        let running = view(vec![done, receipt(ReceiptState::Pending, None)]);
        assert_eq!((running.state(), running.completed_at()), (DeletionState::Running, None));
        let stalled =
            view(vec![receipt(ReceiptState::Pending, None), receipt(ReceiptState::Parked, None)]);
        assert_eq!(stalled.state(), DeletionState::Stalled);
    }
}
