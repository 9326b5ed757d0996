//! Answering many users.

use roster_kernel::UserId;

use super::Cx;
use crate::{domain::User, error::Error, store::user};

/// Those of `users` that exist.
pub async fn batch_get_users(cx: &Cx, users: &[UserId]) -> Result<Vec<User>, Error> {
    Ok(user::find_some(cx.db.read(), users).await?)
}
