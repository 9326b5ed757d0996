//! A transaction that may write.

use std::{fmt, ops::Deref, sync::Mutex};

use sea_orm::DatabaseTransaction;

use crate::DbError;

type Hook = Box<dyn FnOnce() + Send>;

/// An open transaction. Dropped without [`Tx::commit`], it is rolled back.
///
/// It dereferences to the connection that queries run on: `&*tx`.
pub struct Tx {
    inner: DatabaseTransaction,
    after_commit: Mutex<Vec<Hook>>,
}

impl Tx {
    pub(crate) const fn new(inner: DatabaseTransaction) -> Self {
        Self { inner, after_commit: Mutex::new(Vec::new()) }
    }

    /// Runs `hook` once the transaction has committed, and never otherwise:
    /// for waking whoever has to look at what was written. Hooks are lost
    /// when the process ends in between, so nothing may depend on them.
    pub fn after_commit(&self, hook: impl FnOnce() + Send + 'static) {
        let mut hooks = self.after_commit.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        hooks.push(Box::new(hook));
    }

    /// Makes all of it durable, at once.
    pub async fn commit(self) -> Result<(), DbError> {
        self.inner.commit().await?;
        let hooks = self.after_commit.into_inner().unwrap_or_default();
        for hook in hooks {
            hook();
        }
        Ok(())
    }
}

impl Deref for Tx {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").finish_non_exhaustive()
    }
}
