//! Deletions, and what is asked about them.

use roster_db::replay::Repetition;
use roster_kernel::{DeletionId, UserId};
use roster_proto::{identity::v1 as pb, subject::v1::KindCount, time};
use roster_server::{Refusal, Violations};

use super::page;
use crate::{
    domain::{DeletionState, DeletionView, PageRequest, PlannedErasure, Receipt, ReceiptState},
    error::Error,
    op::{
        list_deletions::DeletionFilter, plan_user_deletion::DeletionPlan,
        retry_deletion::RetryDeletion,
    },
};

/// A deletion as its reader sees it.
pub fn deletion(view: DeletionView) -> pb::Deletion {
    pb::Deletion {
        deletion_id: view.record.id.to_string(),
        user_id: view.record.user_id.to_string(),
        state: state(view.state()).into(),
        create_time: Some(time::to_proto(view.record.created_at)),
        complete_time: view.completed_at().map(time::to_proto),
        requested_by: view.record.requested_by.map(|user| user.to_string()).unwrap_or_default(),
        receipts: view.receipts.into_iter().map(receipt).collect(),
    }
}

/// The deletion that there would be.
pub fn deletable(user_id: UserId) -> pb::Deletion {
    pb::Deletion { user_id: user_id.to_string(), ..pb::Deletion::default() }
}

/// What a deletion would do.
pub fn plan(plan: DeletionPlan) -> pb::DeletionPlan {
    pb::DeletionPlan {
        user_id: plan.user_id.to_string(),
        erasures: plan.erasures.into_iter().map(erasure).collect(),
        blockers: plan.blockers.into_iter().map(blocker).collect(),
    }
}

fn erasure(erasure: PlannedErasure) -> pb::PlannedErasure {
    pb::PlannedErasure {
        participant: erasure.participant,
        answered: erasure.counts.is_some(),
        counts: counts(erasure.counts.unwrap_or_default()),
    }
}

/// What the refusal would say.
fn blocker(error: Error) -> pb::DeletionBlocker {
    let refusal = Refusal::from(error);
    pb::DeletionBlocker {
        reason: refusal.reason().to_owned(),
        message: refusal.message().to_owned(),
    }
}

fn counts(counts: Vec<(String, i64)>) -> Vec<KindCount> {
    counts.into_iter().map(|(kind, count)| KindCount { kind, count }).collect()
}

/// Reads which deletion is asked for.
pub fn deletion_id(text: &str) -> Result<DeletionId, Refusal> {
    DeletionId::parse(text).map_err(|error| Refusal::invalid("deletion_id", error))
}

/// Reads which deletions a list is to show.
pub fn list_deletions(
    request: &pb::ListDeletionsRequest,
) -> Result<(DeletionFilter, PageRequest), Refusal> {
    let mut violations = Violations::new();
    let state = match pb::DeletionState::try_from(request.state) {
        Ok(pb::DeletionState::Unspecified) => None,
        Ok(pb::DeletionState::Running) => Some(DeletionState::Running),
        Ok(pb::DeletionState::Stalled) => Some(DeletionState::Stalled),
        Ok(pb::DeletionState::Complete) => Some(DeletionState::Complete),
        Err(_) => {
            violations.add("state", "must be a state that the contract names");
            None
        }
    };
    let user_id = (!request.user_id.is_empty())
        .then(|| violations.field("user_id", UserId::parse(&request.user_id)))
        .flatten();
    let page = page(&mut violations, request.page_size, &request.page_token);
    violations.finish()?;
    Ok((DeletionFilter { state, user_id }, page))
}

/// Reads which deletion is to go on.
pub fn retry_deletion(
    request: &pb::RetryDeletionRequest,
    repetition: &Repetition<'_>,
) -> Result<RetryDeletion, Refusal> {
    let mut violations = Violations::new();
    let replay = repetition.key(&mut violations, &request.request_id, request);
    let deletion_id = violations.field("deletion_id", DeletionId::parse(&request.deletion_id));
    let Some(deletion_id) = deletion_id else { return Err(violations.into_refusal()) };
    violations.finish()?;
    Ok(RetryDeletion { deletion_id, replay })
}

const fn state(state: DeletionState) -> pb::DeletionState {
    match state {
        DeletionState::Running => pb::DeletionState::Running,
        DeletionState::Stalled => pb::DeletionState::Stalled,
        DeletionState::Complete => pb::DeletionState::Complete,
    }
}

fn receipt(receipt: Receipt) -> pb::DeletionReceipt {
    let state = match receipt.state {
        ReceiptState::Pending => pb::ReceiptState::Pending,
        ReceiptState::Parked => pb::ReceiptState::Parked,
        ReceiptState::Done => pb::ReceiptState::Done,
        ReceiptState::Waived => pb::ReceiptState::Waived,
    };
    pb::DeletionReceipt {
        participant: receipt.participant,
        state: state.into(),
        counts: counts(receipt.counts),
        attempts: i32::try_from(receipt.attempts).unwrap_or(i32::MAX),
        complete_time: receipt.completed_at.map(time::to_proto),
        failure: receipt.failure.unwrap_or_default(),
    }
}
