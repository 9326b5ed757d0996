//! Requests that are repeated.

use roster_db::replay::{self, ReplayKey};
use serde::de::DeserializeOwned;

use super::Cx;
use crate::error::Error;

/// The first answer to a request, if it is a repetition: for where it has to
/// be looked for before something is done that costs more than a look.
pub async fn earlier<T: DeserializeOwned>(
    cx: &Cx,
    replay: Option<&ReplayKey>,
) -> Result<Option<T>, Error> {
    if replay.is_none() {
        return Ok(None);
    }
    let tx = cx.db.begin().await?;
    Ok(replay::find(&tx, replay, cx.env.now()).await?)
}
