//! Taking in what the backup, from which this service was put back, does not
//! know.

use std::collections::HashMap;

use roster_db::Tx;
use roster_events::audit::{self, OperatorRecord};
use roster_kernel::{Caller, Etag, ServiceName, UserId};

use super::{Cx, delete_user};
use crate::{
    announce,
    domain::{Amended, Findings, News, Restored, Sighting, Subject, changed_fields},
    error::Error,
    participants::Silent,
    store::{
        guard::{self, Turn},
        ledger, machine_token, user,
    },
};

/// What the audit trail calls it.
const METHOD: &str = "roster.identity/Restore";

/// Who did it, as the audit trail has it: whoever can run commands on the
/// machine. Their name is not known here.
const OPERATOR: &str = "restore";

/// Why it could not be done. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// A participant may know what the ledger has to.
    #[error(transparent)]
    Participant(#[from] Silent),
    /// Something underneath failed.
    #[error("the ledger of users could not be brought up to date")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Error> for RestoreError {
    fn from(error: Error) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// Takes in what the participants know and the ledger does not, and begins
/// another incarnation of it, in which every state is newer than whatever was
/// given out before. All of it happens, in one transaction, or nothing does;
/// and nothing if it is only `planned`.
pub async fn restore(cx: &Cx, planned: bool) -> Result<Restored, RestoreError> {
    let findings = ask(cx).await?;
    cx.env.step("restore.asked").await;
    let tx = cx.db.begin().await.map_err(Error::from)?;
    let restored = take_in(cx, &tx, &findings).await?;
    if planned {
        // All of it was tried; dropping the transaction undoes it.
        return Ok(restored);
    }
    cx.env.step("restore.prepared").await;
    tx.commit().await.map_err(Error::from)?;
    cx.env.step("restore.committed").await;
    Ok(restored)
}

/// Whether no participant knows anything of a user that is newer than what the
/// ledger has. Nothing happens to it.
pub async fn is_whole(cx: &Cx) -> Result<bool, RestoreError> {
    Ok(!ask(cx).await?.newer)
}

/// Asks every participant about every user, and keeps what is news.
async fn ask(cx: &Cx) -> Result<Findings, RestoreError> {
    let mut findings = Findings::default();
    for participant in &cx.participants.names().await.map_err(Error::from)? {
        let mut after = None;
        while let Some(last) = ask_some(cx, participant, after, &mut findings).await? {
            after = Some(last);
        }
    }
    Ok(findings)
}

/// Asks for a page; answers the last user of it.
async fn ask_some(
    cx: &Cx,
    participant: &ServiceName,
    after: Option<UserId>,
    findings: &mut Findings,
) -> Result<Option<UserId>, RestoreError> {
    let caller = Caller::service(cx.name.clone());
    let page = cx.participants.subjects(&caller, participant, after).await?;
    let ids: Vec<_> = page.iter().map(|(user_id, _)| *user_id).collect();
    let recorded = ledger::find_some(cx.db.read(), &ids).await.map_err(Error::from)?;
    let recorded: HashMap<_, _> = recorded.iter().map(|it| (it.user_id, it)).collect();
    for (user_id, subject) in page {
        if let Some(subject) = subject {
            findings.incarnation = findings.incarnation.max(subject.version.incarnation);
        }
        let mut sighting = Sighting::default();
        sighting.add(subject);
        let recorded = recorded.get(&user_id).copied();
        findings.newer |= sighting.is_newer(recorded);
        if sighting.is_ahead(recorded) {
            findings.users.entry(user_id).or_default().add(subject);
        }
    }
    Ok(ids.last().copied())
}

async fn take_in(cx: &Cx, tx: &Tx, findings: &Findings) -> Result<Restored, Error> {
    let before = guard::take(tx).await?;
    // Above those, too, that came of an earlier restoration of the same backup.
    let incarnation = before.incarnation.max(findings.incarnation) + 1;
    guard::begin_incarnation(tx, incarnation).await?;
    let mut restored = Restored { incarnation, ..Restored::default() };
    for (user_id, sighting) in &findings.users {
        take_in_one(cx, tx, *user_id, sighting, &mut restored).await?;
    }
    ledger::begin_incarnation(tx, incarnation).await?;
    // That one was revoked after the backup is known nowhere else.
    restored.machine_tokens = machine_token::delete_all(tx).await?;
    let fields = if restored.machine_tokens > 0 { vec!["machine_tokens"] } else { Vec::new() };
    restored.admins = ledger::count_enabled_admins(tx).await?;
    note(cx, tx, format!("incarnation/{incarnation}"), fields).await?;
    Ok(restored)
}

/// Takes in what is known of one user. Nothing keeps a user from being deleted,
/// or an administrator from being demoted, who was: not even that nobody is left
/// to administer the others.
async fn take_in_one(
    cx: &Cx,
    tx: &Tx,
    user_id: UserId,
    sighting: &Sighting,
    restored: &mut Restored,
) -> Result<(), Error> {
    let recorded = ledger::find(&**tx, user_id).await?;
    match (sighting.tells(recorded.as_ref()), recorded) {
        (News::Changed(after), Some(before)) => {
            let turn = guard::take(tx).await?;
            let fields = changed_fields(&before, &after);
            let version = turn.version();
            change(cx, tx, turn, Subject { version, ..after }).await?;
            note(cx, tx, user_id.to_string(), fields.clone()).await?;
            restored.amended.push(Amended { user_id, fields });
        }
        (News::Deleted, Some(mut doomed)) => {
            let turn = guard::take(tx).await?;
            doomed.session_epoch = doomed.session_epoch.max(sighting.session_epoch());
            doomed.delete();
            doomed.version = turn.version();
            ledger::update(tx, turn, &doomed).await?;
            delete_user::close(cx, tx, &doomed, None).await?;
            note(cx, tx, user_id.to_string(), vec!["deleted"]).await?;
            restored.deleted.push(user_id);
        }
        (News::Unknown, _) => {
            let turn = guard::take(tx).await?;
            let buried = sighting.buried(user_id, turn.version());
            ledger::insert(tx, turn, &buried).await?;
            delete_user::close(cx, tx, &buried, None).await?;
            note(cx, tx, user_id.to_string(), vec!["deleted"]).await?;
            restored.unknown.push(user_id);
        }
        // Somebody else has come first meanwhile.
        (News::None | News::Changed(_) | News::Deleted, _) => {}
    }
    Ok(())
}

/// Gives an account the state that it had.
async fn change(cx: &Cx, tx: &Tx, turn: Turn, subject: Subject) -> Result<(), Error> {
    let mut account = user::lock(tx, subject.user_id).await?.ok_or(Error::UserNotFound)?;
    account.subject = subject;
    account.updated_at = cx.env.now();
    account.etag = Etag::generate(&cx.env);
    user::update(tx, &account).await?;
    ledger::update(tx, turn, &subject).await?;
    announce::state_changed(&cx.outbox, tx, &subject).await?;
    Ok(())
}

async fn note(cx: &Cx, tx: &Tx, target: String, fields: Vec<&'static str>) -> Result<(), Error> {
    let record = OperatorRecord { operator: OPERATOR, method: METHOD, target, fields };
    Ok(audit::append_operator(tx, &cx.env, record).await?)
}
