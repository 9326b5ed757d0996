//! What a deletion would erase, and what keeps it from happening.

use std::time::Duration;

use roster_db::Tx;
use roster_kernel::{Caller, Deadline, UserId};

use super::{Cx, admin, own_data, transition};
use crate::{
    domain::{PlannedErasure, User},
    error::Error,
    participants::Counts,
    store::user,
};

/// How long a plan waits for the counts, where the caller waits for longer.
const COUNTS_WITHIN: Duration = Duration::from_secs(5);

/// What the deletion of a user would do.
#[derive(Debug)]
pub struct DeletionPlan {
    /// The user.
    pub user_id: UserId,
    /// What each service would erase, this one first.
    pub erasures: Vec<PlannedErasure>,
    /// What it would be refused with.
    pub blockers: Vec<Error>,
}

/// Looks at what deleting a user would do, for an administrator.
pub async fn plan_user_deletion(
    cx: &Cx,
    caller: &Caller,
    deadline: Option<Deadline>,
    user_id: UserId,
) -> Result<DeletionPlan, Error> {
    let (own, blockers) = look(cx, caller, user_id).await?;
    let within = deadline.map_or(COUNTS_WITHIN, |deadline| {
        // So that what is known by then still reaches the caller.
        COUNTS_WITHIN.min(deadline.remaining(cx.env.now()) * 9 / 10)
    });
    let others = cx.participants.count_one(caller, user_id, within).await?;
    let others = others.into_iter().map(|(name, counts)| (name.to_string(), counts));
    let erasures = std::iter::once((cx.name.to_string(), Some(own)))
        .chain(others)
        .map(|(participant, counts)| PlannedErasure { participant, counts })
        .collect();
    Ok(DeletionPlan { user_id, erasures, blockers })
}

/// What is decided and counted here, all at one moment: in a transaction that
/// is never committed.
async fn look(cx: &Cx, caller: &Caller, user_id: UserId) -> Result<(Counts, Vec<Error>), Error> {
    let tx = cx.db.begin().await?;
    let requested_by = admin::require(cx, &tx, &caller.actor).await?;
    let doomed = user::find(&*tx, user_id).await?.ok_or(Error::UserNotFound)?;
    let own = own_data::count(&tx, user_id).await?;
    Ok((own, blockers(&tx, &doomed, requested_by).await?))
}

/// All that keeps whoever acts in the name of `requested_by` from deleting
/// `doomed`. A deletion is refused with the first.
pub async fn blockers(
    tx: &Tx,
    doomed: &User,
    requested_by: Option<UserId>,
) -> Result<Vec<Error>, Error> {
    let mut after = doomed.subject;
    after.delete();
    let own = (Some(doomed.id()) == requested_by).then_some(Error::CannotDeleteSelf);
    let last = transition::leaves_nobody(tx, &doomed.subject, &after).await?;
    Ok(own.into_iter().chain(last.then_some(Error::LastAdmin)).collect())
}
