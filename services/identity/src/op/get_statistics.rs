//! Figures about all users.

use roster_kernel::Caller;

use super::Cx;
use crate::{
    domain::{DayActivity, DayRange, UserStatistics, UserTotals},
    error::Error,
    store::{activity, ledger},
};

/// Figures about all users.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// How many users there are.
    pub users: UserTotals,
    /// What is kept for all of them together, as far as its keepers answer.
    pub kept: UserStatistics,
    /// What happened day by day.
    pub days: Vec<DayActivity>,
}

/// The totals of this moment, and what happened on some days.
pub async fn get_statistics(cx: &Cx, caller: &Caller, days: DayRange) -> Result<Statistics, Error> {
    let users = ledger::totals(cx.db.read()).await?;
    let known = activity::list(cx.db.read(), days).await?;
    let kept = UserStatistics { api_keys: own_api_keys(cx), ..cx.participants.sum(caller).await };
    Ok(Statistics { users, kept, days: days.fill(known) })
}

/// How many API keys of users there are: a count of this service's own table.
/// Not known for as long as there is no such table.
const fn own_api_keys(_cx: &Cx) -> Option<i64> {
    None
}
