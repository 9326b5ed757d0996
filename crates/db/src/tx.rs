//! A transaction that may write.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, Mutex},
    time::Instant,
};

use tracing::Instrument as _;

use crate::{DbError, Engine, connect::Refusing, engine, pool::Begun, timing::Timing};

type Hook = Box<dyn FnOnce() + Send>;

/// An open transaction. Dropped without [`Tx::commit`], it is rolled back.
///
/// It dereferences to the connection that queries run on: `&*tx`.
pub struct Tx {
    inner: Begun,
    engine: Engine,
    after_commit: Mutex<Vec<Hook>>,
    refusing: Refusing,
    timing: Option<Arc<Timing>>,
}

impl Tx {
    pub(crate) const fn new(
        inner: Begun,
        engine: Engine,
        refusing: Refusing,
        timing: Option<Arc<Timing>>,
    ) -> Self {
        Self { inner, engine, after_commit: Mutex::new(Vec::new()), refusing, timing }
    }

    /// Runs `hook` once the transaction has committed, and never otherwise:
    /// for waking whoever has to look at what was written. Hooks are lost
    /// when the process ends in between, so nothing may depend on them.
    pub fn after_commit(&self, hook: impl FnOnce() + Send + 'static) {
        let mut hooks = self.after_commit.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        hooks.push(Box::new(hook));
    }

    /// Waits until no other transaction has `name`, and has it until this one
    /// ends: for what is not there yet, so that its row cannot be locked. On
    /// SQLite transactions take turns anyway.
    pub async fn lock(&self, name: &str) -> Result<(), DbError> {
        match self.engine {
            Engine::Sqlite => Ok(()),
            Engine::Postgres => engine::postgres::lock(&self.inner, name).await,
        }
    }

    /// The same for something that this transaction relies upon and does not
    /// change: any number may have `name` like this at the same time, but nobody
    /// who has it alone.
    pub async fn lock_shared(&self, name: &str) -> Result<(), DbError> {
        match self.engine {
            Engine::Sqlite => Ok(()),
            Engine::Postgres => engine::postgres::lock_shared(&self.inner, name).await,
        }
    }

    /// Tells the other processes that work on this database, once this has
    /// committed, that there is news on `channel`: see [`crate::Db::news`].
    pub async fn notify(&self, channel: &str) -> Result<(), DbError> {
        match self.engine {
            Engine::Sqlite => Ok(()),
            Engine::Postgres => engine::postgres::notify(&self.inner, channel).await,
        }
    }

    /// Makes all of it durable, at once.
    pub async fn commit(self) -> Result<(), DbError> {
        let span = tracing::debug_span!(
            "commit",
            otel.name = "COMMIT",
            otel.kind = "client",
            db.system.name = self.engine.name(),
            db.operation.name = "COMMIT",
        );
        let asked = Instant::now();
        let committed = self.inner.commit().instrument(span).await;
        committed.map_err(|error| self.refusing.failed(error))?;
        self.refusing.written();
        if let Some(timing) = self.timing {
            timing.committed(asked.elapsed());
        }
        let hooks = self.after_commit.into_inner().unwrap_or_default();
        for hook in hooks {
            hook();
        }
        Ok(())
    }
}

impl Deref for Tx {
    type Target = Begun;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").finish_non_exhaustive()
    }
}
