//! Answering one's own account.

use roster_kernel::UserActor;

use super::Cx;
use crate::{domain::User, error::Error, store::user};

/// The account of the user who calls.
pub async fn get_profile(cx: &Cx, caller: &UserActor) -> Result<User, Error> {
    user::find(cx.db.read(), caller.user_id).await?.ok_or(Error::CallerGone)
}
