//! Changing one's own password.

use roster_db::{
    Tx,
    replay::{self, ReplayKey},
};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{Caller, Deadline, UserActor};

use super::{
    Cx, effect, repeated, throttle,
    update_user::{self, Changed},
};
use crate::{
    domain::{Password, User},
    error::Error,
    hashing::Lane,
    store::{credential, guard, user},
};

/// The full name of the method.
pub const METHOD: &str = "roster.identity.v1.AccountService/ChangePassword";

/// The passwords, and the name of the request.
#[derive(Clone, Debug)]
pub struct ChangePassword {
    /// What the caller says is the present one.
    pub current: Password,
    /// What it is to be.
    pub new: Password,
    /// Whether all sessions of the user are to end.
    pub revoke_sessions: bool,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// Changes the password of the user who calls; answers the user once that is
/// in effect.
pub async fn change_password(
    cx: &Cx,
    caller: &Caller,
    actor: &UserActor,
    deadline: Option<Deadline>,
    command: &ChangePassword,
) -> Result<User, Error> {
    let changed = loop {
        // A repetition comes with a password that is no longer the present
        // one, so the first answer is looked for before that is checked.
        if let Some(changed) = repeated::earlier(cx, command.replay.as_ref()).await? {
            break changed;
        }
        let attempt = throttle::begin_proof(cx, actor).await?;
        let replaced = replace(cx, caller, actor, command).await;
        // Whoever goes away before the answer has failed, too.
        if !matches!(replaced, Ok(Some(_)) | Err(Error::CurrentPasswordWrong)) {
            throttle::take_back(cx, &attempt).await;
        }
        if let Some(changed) = replaced? {
            break changed;
        }
        // Somebody changed the password meanwhile: then it is that one which
        // has to be proven.
    };
    effect::confirm(cx, changed.event, deadline).await?;
    Ok(changed.user)
}

/// Replaces the present password, where it is the one that the caller says;
/// `None` if it is another one by then.
async fn replace(
    cx: &Cx,
    caller: &Caller,
    actor: &UserActor,
    command: &ChangePassword,
) -> Result<Option<Changed>, Error> {
    let known = credential::find(cx.db.read(), actor.user_id).await?;
    let known = known.ok_or(Error::CallerGone)?;
    if !cx.hasher.verify(Lane::SignedIn, &command.current, Some(&known)).await?.matches {
        return Err(Error::CurrentPasswordWrong);
    }
    let hash = cx.hasher.hash(Lane::SignedIn, &command.new).await?;
    store(cx, caller, actor, command, &known, hash).await
}

/// Stores the new password, unless the present one is no longer `known`.
async fn store(
    cx: &Cx,
    caller: &Caller,
    actor: &UserActor,
    command: &ChangePassword,
    known: &str,
    hash: String,
) -> Result<Option<Changed>, Error> {
    let replay = command.replay.as_ref();
    let now = cx.env.now();
    let tx = cx.db.begin().await?;
    let turn = guard::take(&tx).await?;
    let before = user::lock(&tx, actor.user_id).await?.ok_or(Error::CallerGone)?;
    if before.subject.password_change_required && command.new.is(&command.current) {
        return Err(Error::PasswordUnchanged);
    }
    if !unchanged(&tx, actor, known).await? {
        return Ok(None);
    }
    credential::change(&tx, before.id(), hash, now).await?;
    let mut after = before.clone();
    let mut fields = vec!["password"];
    if std::mem::take(&mut after.subject.password_change_required) {
        fields.push("password_change_required");
    }
    if command.revoke_sessions {
        after.subject.end_sessions();
        fields.push("revoke_sessions");
    }
    let changed = update_user::store(cx, &tx, turn, &before, after, &fields, now).await?;
    audit::append(
        &tx,
        &cx.env,
        AuditRecord {
            caller,
            method: METHOD,
            target: before.id().to_string(),
            fields,
            request_id: replay.map(ReplayKey::request_id),
        },
    )
    .await?;
    replay::record(&tx, replay, now, Some(before.id()), &changed).await?;
    throttle::proven(cx, &tx, actor).await?;
    tx.commit().await?;
    Ok(Some(changed))
}

async fn unchanged(tx: &Tx, actor: &UserActor, known: &str) -> Result<bool, Error> {
    Ok(credential::find(&**tx, actor.user_id).await?.as_deref() == Some(known))
}
