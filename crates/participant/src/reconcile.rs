//! Catching up with identity's ledger: whatever was announced while a
//! service was away, restored from a backup or not there yet.

pub(crate) mod position;

use std::{fmt, sync::Arc, time::Duration};

use roster_db::{Db, DbError, Tx};
use roster_events::Inbox;
use roster_kernel::{Caller, Env, ServiceName};
use roster_proto::{
    identity::v1::{
        ListSubjectStatesRequest, ListSubjectStatesResponse,
        subject_ledger_service_client::SubjectLedgerServiceClient,
    },
    subject::v1::SubjectState,
};
use roster_server::{Tasks, Upstream};
use tokio_util::sync::CancellationToken;
use tonic::Request;

use self::position::Position;
use crate::{
    Agreement, InvalidSubject, State, Subject, SubjectData, Version, agreement,
    erasure::{self, BATCH, Eraser, Step},
    measure::ParticipantMeter,
    subjects,
};

/// How often a service catches up unasked.
const INTERVAL: Duration = Duration::from_hours(1);

/// How long a service waits after a failure.
const REST: Duration = Duration::from_secs(5);

/// How many states are asked for at once.
const PAGE: i32 = 500;

/// How many states one transaction takes in at the most: a commit for each
/// would take minutes where there are many, and all in one would hold up
/// everybody else.
const TOGETHER: usize = 100;

/// Why a service could not catch up.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// Identity did not answer.
    #[error("the ledger did not answer")]
    Ledger(#[from] Box<tonic::Status>),
    /// Identity's answer makes no sense.
    #[error(transparent)]
    Invalid(#[from] InvalidSubject),
    /// Identity was put back from a backup, and nothing more was done.
    #[error(
        "the ledger ends at {ledger}, and {known} was taken in from it: identity was put back from \
         a backup; run `roster restore identity` before it serves"
    )]
    Behind {
        /// The newest version that the ledger has.
        ledger: Version,
        /// The newest version that the service knows.
        known: Version,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What catching up found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReconcileReport {
    /// How many users' states were looked at.
    pub states: u64,
    /// How many of them are deleted, and erased now.
    pub deleted: u64,
}

/// Catches up with identity's ledger.
pub struct Reconciler<D> {
    name: ServiceName,
    db: Db,
    env: Env,
    data: Arc<D>,
    ledger: Upstream,
    meter: ParticipantMeter,
    agreement: Agreement,
}

impl<D> fmt::Debug for Reconciler<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconciler").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<D: SubjectData> Reconciler<D> {
    pub(crate) const fn new(
        name: ServiceName,
        db: Db,
        env: Env,
        data: Arc<D>,
        ledger: Upstream,
        meter: ParticipantMeter,
        agreement: Agreement,
    ) -> Self {
        Self { name, db, env, data, ledger, meter, agreement }
    }

    /// Catches up in the background, every hour from now on. Not now: whoever
    /// starts a service has it catch up before its first client comes, and has
    /// to know whether it could.
    pub fn start(self, tasks: &Tasks) {
        tasks.spawn("reconciliation", self.run(tasks.token()));
    }

    async fn run(self, stop: CancellationToken) {
        let mut rest = INTERVAL;
        loop {
            self.keep_house().await;
            tokio::select! {
                () = self.env.sleep(rest) => {}
                () = stop.cancelled() => return,
            }
            rest = match self.catch_up_until(&stop).await {
                Ok(_) => INTERVAL,
                Err(error @ ReconcileError::Behind { .. }) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(service = %self.name, error, "the ledger has lost changes");
                    REST
                }
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(service = %self.name, error, "not caught up with the ledger");
                    REST
                }
            };
        }
    }

    /// Looks whether what should be gone is, and forgets what is over.
    async fn keep_house(&self) {
        if let Err(error) = self.count_orphans().await {
            tracing::warn!(service = %self.name, class = error.class(), "orphans not counted");
        }
        if let Err(error) = Inbox::sweep(&self.db, self.env.now()).await {
            tracing::warn!(service = %self.name, class = error.class(), "receipts not swept");
        }
    }

    /// Takes in every state that changed since the last time.
    pub async fn catch_up(&self) -> Result<ReconcileReport, ReconcileError> {
        self.catch_up_until(&CancellationToken::new()).await
    }

    /// Takes in what changed since the last time, as far as it comes before it
    /// is told to stop. What it has not come to is looked at the next time.
    async fn catch_up_until(
        &self,
        stop: &CancellationToken,
    ) -> Result<ReconcileReport, ReconcileError> {
        let mut report = ReconcileReport::default();
        let mut position = position::find(self.db.read()).await?;
        // Before the ledger is asked, which is at least as new from then on.
        let known = agreement::newest_known(self.db.read(), position).await?;
        loop {
            let page = self.ask(position.sequence).await?;
            let newest = Version { incarnation: page.incarnation, number: page.head_sequence };
            let agreed = self.agreement.check(newest, known);
            self.meter.ledger_behind(self.agreement.is_broken());
            agreed?;
            if position.incarnation != page.incarnation {
                // All of it is new, wherever it stands.
                let anew = position.sequence > 0;
                position = Position { incarnation: page.incarnation, sequence: 0 };
                if anew {
                    continue;
                }
            }
            if page.states.is_empty() {
                tracing::info!(
                    service = %self.name, states = report.states, deleted = report.deleted,
                    "caught up with the ledger"
                );
                return Ok(report);
            }
            let states = page.states.len() as u64;
            let deleted = self.take(page.states, stop).await?;
            if stop.is_cancelled() {
                return Ok(report);
            }
            report.states += states;
            report.deleted += deleted;
            // Remembered only after the whole page has taken effect: what a
            // failure interrupts is looked at again.
            position.sequence = page.last_sequence;
            let tx = self.db.begin().await?;
            position::store(&tx, position).await?;
            tx.commit().await?;
        }
    }

    /// A page of the ledger.
    async fn ask(&self, after_sequence: i64) -> Result<ListSubjectStatesResponse, ReconcileError> {
        let message = ListSubjectStatesRequest { after_sequence, page_size: PAGE };
        let mut request = Request::new(message);
        request.extensions_mut().insert(Caller::service(self.name.clone()));
        let mut client = SubjectLedgerServiceClient::new(self.ledger.clone());
        Ok(client.list_subject_states(request).await.map_err(Box::new)?.into_inner())
    }

    /// Counts what is left of users of whom nothing should be left. None is: the
    /// row of the user is locked by whoever creates something, and says that
    /// the user is deleted. This looks whether that is so.
    async fn count_orphans(&self) -> Result<(), DbError> {
        for (kind, rows) in self.data.orphans(self.db.read()).await? {
            if rows > 0 {
                tracing::error!(service = %self.name, kind, rows, "data has outlived its user");
            }
            self.meter.orphans(kind, rows);
        }
        Ok(())
    }

    /// Takes some states in, many in each transaction; answers how many of
    /// their users are deleted. Ends early when told to stop.
    async fn take(
        &self,
        states: Vec<SubjectState>,
        stop: &CancellationToken,
    ) -> Result<u64, ReconcileError> {
        let subjects: Result<Vec<_>, _> = states.into_iter().map(Subject::try_from).collect();
        let mut subjects = subjects?;
        // Rows of several users are locked in the order of their ids everywhere:
        // two that do never wait for each other.
        subjects.sort_by_key(|subject| subject.user_id);
        for some in subjects.chunks(TOGETHER) {
            if stop.is_cancelled() {
                break;
            }
            for unfinished in self.take_together(some).await? {
                self.finish(unfinished).await?;
            }
        }
        let deleted = subjects.iter().filter(|subject| subject.state == State::Deleted);
        Ok(deleted.count() as u64)
    }

    /// Takes some states in, in one transaction; answers those that there is
    /// more to do about than one transaction should.
    async fn take_together(&self, subjects: &[Subject]) -> Result<Vec<Subject>, DbError> {
        let (mut unfinished, mut erased, mut left) = (Vec::new(), Vec::new(), BATCH);
        let now = self.env.now();
        let tx = self.db.begin().await?;
        for subject in subjects {
            let changed = if subject.state == State::Deleted {
                subjects::merge(&tx, *subject, now).await?;
                let rows = self.erase_some(&tx, subject, left).await?;
                let sum = rows.iter().flatten().map(|(_kind, rows)| rows).sum();
                if let Some(rows) = rows {
                    unfinished.push(*subject);
                    erased.push(rows);
                }
                sum
            } else {
                let changed = erasure::apply(&tx, &*self.data, *subject, left, now).await?;
                if changed >= left {
                    unfinished.push(*subject);
                }
                changed
            };
            left = left.saturating_sub(changed);
        }
        tx.commit().await?;
        for rows in erased {
            self.eraser().measure(rows);
        }
        self.env.step("reconcile.batch").await;
        Ok(unfinished)
    }

    /// Erases up to `limit` rows of a user who is marked as deleted; `None` once
    /// nothing is left.
    async fn erase_some(
        &self,
        tx: &Tx,
        subject: &Subject,
        limit: u64,
    ) -> Result<Option<Vec<(&'static str, u64)>>, DbError> {
        if limit == 0 {
            return Ok(Some(Vec::new()));
        }
        Ok(match self.eraser().step(tx, subject.user_id, limit).await? {
            Step::Erased(rows) => Some(rows),
            Step::Complete(_) => None,
        })
    }

    /// Does the rest about one user, in as many transactions as that takes.
    async fn finish(&self, subject: Subject) -> Result<(), DbError> {
        if subject.state == State::Deleted {
            return self.eraser().erase(subject, None).await.map(drop);
        }
        loop {
            let tx = self.db.begin().await?;
            let now = self.env.now();
            let changed = erasure::apply(&tx, &*self.data, subject, BATCH, now).await?;
            tx.commit().await?;
            if changed < BATCH {
                return Ok(());
            }
        }
    }

    fn eraser(&self) -> Eraser<'_, D> {
        let Self { db, env, data, meter, .. } = self;
        Eraser { db, env, data: &**data, meter }
    }
}
