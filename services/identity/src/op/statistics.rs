//! How much is kept for users: here, and by the participants.

use std::collections::HashMap;

use roster_kernel::{Caller, UserId};

use super::Cx;
use crate::{domain::UserStatistics, error::Error, store::api_key};

/// What is kept for each of `users`. What this service keeps itself is always
/// known; of the participants, what they say in time.
pub async fn of(
    cx: &Cx,
    caller: &Caller,
    users: &[UserId],
) -> Result<HashMap<UserId, UserStatistics>, Error> {
    let (own, mut statistics) = tokio::join!(
        api_key::count_by_user(cx.db.read(), users),
        cx.participants.count(caller, users)
    );
    let own: HashMap<_, _> = own?.into_iter().collect();
    for user_id in users {
        let api_keys = own.get(user_id).copied().unwrap_or_default();
        statistics.entry(*user_id).or_default().api_keys = Some(api_keys);
    }
    Ok(statistics)
}
