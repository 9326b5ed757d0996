//! The administrator that an installation begins with.

use roster_events::audit::{self, AuditRecord};
use roster_kernel::Caller;
use secrecy::{ExposeSecret, SecretString};

use super::{
    Cx, generated_password,
    new_account::{self, NewAccount},
};
use crate::{
    domain::{DisplayName, Email, Role, Username},
    error::Error,
    hashing::Lane,
    service::FirstAdminError,
    store::{guard, ledger},
};

/// What the audit trail calls it.
const METHOD: &str = "roster.identity/EnsureFirstAdmin";

/// The administrator that was made.
#[derive(Debug)]
pub struct FirstAdmin {
    /// What they sign in with.
    pub username: String,
    /// The password, where none was given: to be shown once.
    pub generated_password: Option<SecretString>,
}

/// Makes an administrator, if there has never been a user: with `password`,
/// or with a random one.
pub async fn ensure_first_admin(
    cx: &Cx,
    username: &str,
    password: Option<SecretString>,
) -> Result<Option<FirstAdmin>, FirstAdminError> {
    // Looked at first without the work; looked at again under the guard row.
    if !ledger::list(cx.db.read(), 0, 1).await.map_err(Error::from)?.is_empty() {
        return Ok(None);
    }
    let account = NewAccount {
        username: Username::parse(username)?,
        display_name: DisplayName::stored("Administrator".to_owned()),
        email: Email::default(),
        role: Role::Admin,
        password_change_required: false,
    };
    let generated =
        password.is_none().then(|| generated_password::generate(&cx.env, cx.password_policy));
    let text = password.as_ref().or(generated.as_ref()).map(|it| it.expose_secret().to_owned());
    let password = cx.password_policy.accept(text.unwrap_or_default())?;
    let hash = cx.hasher.hash(Lane::SignedIn, &password).await.map_err(Error::from)?;
    let username = account.username.to_string();
    let created = insert(cx, account, hash).await?;
    Ok(created.then_some(FirstAdmin { username, generated_password: generated }))
}

async fn insert(cx: &Cx, account: NewAccount, hash: String) -> Result<bool, Error> {
    let tx = cx.db.begin().await?;
    let turn = guard::take(&tx).await?;
    if !ledger::is_empty(&*tx).await? {
        return Ok(false);
    }
    let created = new_account::insert(cx, &tx, turn, account, hash).await?;
    audit::append(
        &tx,
        &cx.env,
        AuditRecord {
            caller: &Caller::service(cx.name.clone()),
            method: METHOD,
            target: created.id().to_string(),
            fields: Vec::new(),
            request_id: None,
        },
    )
    .await?;
    tx.commit().await?;
    Ok(true)
}
