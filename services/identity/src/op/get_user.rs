//! Answering one user.

use roster_kernel::{Caller, UserId};

use super::{Cx, statistics};
use crate::{
    domain::{User, UserStatistics},
    error::Error,
    store::user,
};

/// A user, with what the services keep for them.
pub async fn get_user(
    cx: &Cx,
    caller: &Caller,
    user_id: UserId,
) -> Result<(User, UserStatistics), Error> {
    let found = user::find(cx.db.read(), user_id).await?.ok_or(Error::UserNotFound)?;
    let statistics = statistics::of(cx, caller, &[user_id]).await?;
    Ok((found, statistics.get(&user_id).copied().unwrap_or_default()))
}
