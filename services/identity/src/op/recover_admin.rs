//! Giving a team that is locked out an administrator again.

use roster_db::Tx;
use roster_events::audit::{self, OperatorRecord};
use roster_kernel::UserId;
use secrecy::{ExposeSecret, SecretString};

use super::{
    Cx, generated_password,
    new_account::{self, NewAccount},
    update_user,
};
use crate::{
    domain::{DisplayName, Email, InvalidUsername, Role, State, User, Username},
    error::Error,
    hashing::Lane,
    service::RecoverAdminError,
    store::{
        credential,
        guard::{self, Turn},
        user,
    },
};

/// What the audit trail calls it.
const METHOD: &str = "roster.identity/RecoverAdmin";

/// Who did it, as the audit trail has it: whoever can run commands on the
/// machine. Their name is not known here.
const OPERATOR: &str = "recovery";

/// The administrator there is now.
#[derive(Debug)]
pub struct RecoveredAdmin {
    /// The user.
    pub user_id: UserId,
    /// What they sign in with.
    pub username: String,
    /// The password to sign in with next: to be shown once.
    pub password: SecretString,
    /// Whether the account is new.
    pub created: bool,
}

/// Makes `username` an enabled administrator with a random password, which has
/// to be changed at the next sign-in. The sessions end: whoever has lost
/// control of an account does not know who has it. A user who does not exist
/// is created if `create` says so.
pub async fn recover_admin(
    cx: &Cx,
    username: &str,
    create: bool,
) -> Result<RecoveredAdmin, RecoverAdminError> {
    let claimed = Username::claimed(username);
    // Asked of a new name only: whoever has an odd one must be recoverable.
    let new = create.then(|| Username::parse(username));
    let password = generated_password::generate(&cx.env, cx.password_policy);
    let accepted = cx.password_policy.accept(password.expose_secret().to_owned())?;
    let hash = cx.hasher.hash(Lane::SignedIn, &accepted).await.map_err(Error::from)?;
    let (user_id, created) = recover(cx, &claimed, new, hash).await?;
    Ok(RecoveredAdmin { user_id, username: claimed.to_string(), password, created })
}

async fn recover(
    cx: &Cx,
    claimed: &Username,
    new: Option<Result<Username, InvalidUsername>>,
    hash: String,
) -> Result<(UserId, bool), RecoverAdminError> {
    let tx = cx.db.begin().await.map_err(Error::from)?;
    let turn = guard::take(&tx).await.map_err(Error::from)?;
    let found = user::find_by_username(&*tx, claimed).await.map_err(Error::from)?;
    // Nobody deletes it while this one has the guard.
    if let Some(found) = &found {
        user::lock(&tx, found.id()).await.map_err(Error::from)?;
    }
    let created = found.is_none();
    let (user_id, fields) = if let Some(found) = found {
        (found.id(), restore(cx, &tx, turn, &found, hash).await?)
    } else {
        let new = new.ok_or_else(|| RecoverAdminError::Unknown(claimed.to_string()))?;
        (add(cx, &tx, turn, new?, hash).await?, Vec::new())
    };
    let record =
        OperatorRecord { operator: OPERATOR, method: METHOD, target: user_id.to_string(), fields };
    audit::append_operator(&tx, &cx.env, record).await.map_err(Error::from)?;
    tx.commit().await.map_err(Error::from)?;
    Ok((user_id, created))
}

/// Gives an account back to whoever is told the password.
async fn restore(
    cx: &Cx,
    tx: &Tx,
    turn: Turn,
    before: &User,
    hash: String,
) -> Result<Vec<&'static str>, Error> {
    let mut after = before.clone();
    let mut fields = vec!["password", "password_change_required", "revoke_sessions"];
    if !before.is_admin() {
        fields.push("is_admin");
    }
    if before.is_disabled() {
        fields.push("disabled");
    }
    after.subject.role = Role::Admin;
    after.subject.state = State::Active;
    after.subject.password_change_required = true;
    after.subject.end_sessions();
    let now = cx.env.now();
    credential::change(tx, before.id(), hash, now).await?;
    update_user::store(cx, tx, turn, before, after, &fields, now).await?;
    Ok(fields)
}

async fn add(
    cx: &Cx,
    tx: &Tx,
    turn: Turn,
    username: Username,
    hash: String,
) -> Result<UserId, Error> {
    let account = NewAccount {
        username,
        display_name: DisplayName::stored("Administrator".to_owned()),
        email: Email::default(),
        role: Role::Admin,
        password_change_required: true,
    };
    Ok(new_account::insert(cx, tx, turn, account, hash).await?.id())
}
