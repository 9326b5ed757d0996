//! Figures about all users.

use roster_kernel::Caller;

use super::Cx;
use crate::{
    domain::{DayActivity, DayRange, UserStatistics, UserTotals},
    error::Error,
    store::{activity, api_key, ledger},
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
    let keys = api_key::count_of_users(cx.db.read()).await?;
    let keys = i64::try_from(keys).unwrap_or(i64::MAX);
    let kept = UserStatistics { api_keys: Some(keys), ..cx.participants.sum(caller).await };
    Ok(Statistics { users, kept, days: days.fill(known) })
}
