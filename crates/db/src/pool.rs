//! The connections to a database. Those of a server can die without a word:
//! nobody waits for one for longer than the server itself would let them.

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use sea_orm::{
    ConnAcquireErr, ConnectOptions, ConnectionTrait, Database, DatabaseConnection,
    DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement,
    TransactionOptions, TransactionTrait as _,
    sqlx::{self, postgres::PgDatabaseError},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// What a server says as it ends a connection: it is told to stop, or another
/// part of it has crashed (SQLSTATE).
const GONE: [&str; 2] = ["57P01", "57P02"];

/// How many connections there are, and how long is waited for what.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The most connections that are in use at the same time.
    pub most: usize,
    /// How long somebody waits while all of them are, and how long for one that
    /// is free, or new.
    pub connection: Duration,
    /// How long for the answer to a statement.
    pub answer: Duration,
}

impl Bounds {
    /// Of what is in this process, and always answers.
    pub const NONE: Self =
        Self { most: Semaphore::MAX_PERMITS, connection: Duration::MAX, answer: Duration::MAX };
}

/// When a connection was last found broken: one that has not been used since may
/// be broken, too.
#[derive(Clone, Debug, Default)]
pub struct Breaks(Arc<Mutex<Option<Instant>>>);

impl Breaks {
    fn note(&self) {
        *self.last() = Some(Instant::now());
    }

    /// Whether one that was last used so long ago is to be asked whether it lives.
    pub fn concern(&self, idle_for: Duration) -> bool {
        self.last().is_some_and(|last| idle_for >= last.elapsed())
    }

    fn last(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Connections of one kind. Queries that are no part of a transaction run on
/// them: [`crate::Db::read`].
pub struct Pool {
    options: ConnectOptions,
    bounds: Bounds,
    breaks: Breaks,
    /// Who has a turn waits for nobody else who works on the database. The
    /// driver's pool has as many connections as there are turns, so if it still
    /// has none to give in time, the server is away, or what it has is dead.
    turns: Arc<Semaphore>,
    current: Mutex<Current>,
}

/// The driver's pool, until it is left for another one.
#[derive(Clone, Debug)]
struct Current {
    connections: DatabaseConnection,
    number: u64,
}

/// A transaction, and the turn that it has.
pub struct Begun {
    inner: DatabaseTransaction,
    answer: Duration,
    breaks: Breaks,
    _turn: OwnedSemaphorePermit,
}

impl Pool {
    /// Opens a pool, whose `options` ask those connections that `breaks` concern.
    pub(crate) async fn open(
        options: ConnectOptions,
        bounds: Bounds,
        breaks: Breaks,
    ) -> Result<Self, DbErr> {
        let connections = Database::connect(options.clone()).await?;
        let turns = Arc::new(Semaphore::new(bounds.most));
        let current = Mutex::new(Current { connections, number: 0 });
        Ok(Self { options, bounds, breaks, turns, current })
    }

    /// Begins a transaction.
    pub(crate) async fn begin(&self, options: TransactionOptions) -> Result<Begun, DbErr> {
        let turn = self.turn().await?;
        let inner =
            self.answered_again(|it| async move { it.begin_with_options(options).await }).await?;
        let (answer, breaks) = (self.bounds.answer, self.breaks.clone());
        Ok(Begun { inner, answer, breaks, _turn: turn })
    }

    /// Closes all connections, as far as they can be closed in time.
    pub(crate) async fn close(&self) -> Result<(), DbErr> {
        let current = self.current().clone();
        timeout(self.bounds.connection, current.connections.close_by_ref()).await.unwrap_or(Ok(()))
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, DbErr> {
        let turn = Arc::clone(&self.turns).acquire_owned();
        match timeout(self.bounds.connection, turn).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)),
            Err(_) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
        }
    }

    async fn once<T, F>(&self, ask: impl FnOnce(DatabaseConnection) -> F) -> Result<T, DbErr>
    where
        F: Future<Output = Result<T, DbErr>>,
    {
        let _turn = self.turn().await?;
        self.answered(ask).await
    }

    /// What is answered to `ask`, which has its turn and changes nothing: it is
    /// asked a second time where its connection was broken, be it by a server
    /// that has come back long ago.
    async fn answered_again<T, F>(&self, ask: impl Fn(DatabaseConnection) -> F) -> Result<T, DbErr>
    where
        F: Future<Output = Result<T, DbErr>>,
    {
        match self.answered(&ask).await {
            Err(error) if is_broken(&error) && !is_silence(&error) => self.answered(&ask).await,
            answer => answer,
        }
    }

    /// What is answered to `ask`, which has its turn.
    async fn answered<T, F>(&self, ask: impl FnOnce(DatabaseConnection) -> F) -> Result<T, DbErr>
    where
        F: Future<Output = Result<T, DbErr>>,
    {
        let Current { connections, number } = self.current().clone();
        let bound = self.bounds.connection.saturating_add(self.bounds.answer);
        let answer = within(bound, ask(connections)).await;
        if let Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)) = answer {
            // Rare, and large.
            Box::pin(self.leave(number)).await?;
        }
        noted(answer, &self.breaks)
    }

    /// Leaves the driver's pool number `number` for another one, unless that
    /// has been done. It asks each connection that is given back whether it
    /// lives, for as long as that takes, and gives its place to no other one
    /// until then.
    async fn leave(&self, number: u64) -> Result<(), DbErr> {
        let connections = Database::connect(self.options.clone()).await?;
        let next = Current { connections, number: number + 1 };
        let left = {
            let mut current = self.current();
            if current.number != number {
                return Ok(());
            }
            std::mem::replace(&mut *current, next)
        };
        tracing::debug!("no connection to the database comes back, making new ones");
        // From here on it takes nobody in, and its connections end with those
        // who still use them: nobody has to wait for that.
        let _begun = left.connections.close_by_ref().now_or_never();
        Ok(())
    }
}

impl Begun {
    /// Makes all of it durable, at once.
    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        noted(within(self.answer, self.inner.commit()).await, &self.breaks)
    }
}

#[async_trait]
impl ConnectionTrait for Pool {
    fn get_database_backend(&self) -> DbBackend {
        self.current().connections.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.once(|it| async move { it.execute_raw(statement).await }).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.once(|it| async move { it.execute_unprepared(sql).await }).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let _turn = self.turn().await?;
        let ask = |it: DatabaseConnection| {
            let statement = statement.clone();
            async move { it.query_one_raw(statement).await }
        };
        self.answered_again(ask).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let _turn = self.turn().await?;
        let ask = |it: DatabaseConnection| {
            let statement = statement.clone();
            async move { it.query_all_raw(statement).await }
        };
        self.answered_again(ask).await
    }
}

#[async_trait]
impl ConnectionTrait for Begun {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        noted(within(self.answer, self.inner.execute_raw(statement)).await, &self.breaks)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        noted(within(self.answer, self.inner.execute_unprepared(sql)).await, &self.breaks)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        noted(within(self.answer, self.inner.query_one_raw(statement)).await, &self.breaks)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        noted(within(self.answer, self.inner.query_all_raw(statement)).await, &self.breaks)
    }
}

async fn within<T>(
    bound: Duration,
    answer: impl Future<Output = Result<T, DbErr>>,
) -> Result<T, DbErr> {
    let silent = || sqlx::Error::Io(io::ErrorKind::TimedOut.into());
    timeout(bound, answer)
        .await
        .unwrap_or_else(|_| Err(DbErr::Conn(RuntimeErr::SqlxError(Arc::new(silent())))))
}

/// The same answer, which may say that a connection is broken.
fn noted<T>(answer: Result<T, DbErr>, breaks: &Breaks) -> Result<T, DbErr> {
    if answer.as_ref().is_err_and(is_broken) {
        breaks.note();
    }
    answer
}

/// Whether the connection is none any more, or says nothing.
fn is_broken(error: &DbErr) -> bool {
    match cause(error) {
        Some(sqlx::Error::Io(_)) => true,
        Some(sqlx::Error::Database(told)) => {
            told.try_downcast_ref::<PgDatabaseError>().is_some_and(|it| GONE.contains(&it.code()))
        }
        Some(_) | None => false,
    }
}

/// Whether nothing was said in time.
fn is_silence(error: &DbErr) -> bool {
    matches!(cause(error), Some(sqlx::Error::Io(it)) if it.kind() == io::ErrorKind::TimedOut)
}

fn cause(error: &DbErr) -> Option<&sqlx::Error> {
    let (DbErr::Conn(failure) | DbErr::Exec(failure) | DbErr::Query(failure)) = error else {
        return None;
    };
    if let RuntimeErr::SqlxError(cause) = failure { Some(cause) } else { None }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").finish_non_exhaustive()
    }
}
