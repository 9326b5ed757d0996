//! A process that runs one service, of which there may be several: the
//! distributed mode.

mod entrance;
mod links;
mod remote_health;
mod start;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use roster_db::{Db, DbError};
use roster_events::{Backlog, JetStreamBus};
use roster_identity::{HashParams, RecoverAdminError, RecoveredAdmin, RestoreError, Restored};
use roster_kernel::{Env, ServiceName};
use roster_participant::{ReconcileError, ReconcileReport};
use roster_server::{
    Tasks,
    metrics::{ConnectionMeter, Metrics, Scraper},
    operations, serve,
};
use roster_session::EndSessionsError;
use secrecy::SecretString;
use tokio::net::TcpListener;

use crate::{
    RosterConfig, StartError,
    claim::Claimed,
    encryption::Encryption,
    first_start,
    listening::{Listening, bind, serve_clients, tell_of_cut, terminated},
    suite::FIRST_ADMIN,
};
use entrance::CaughtUp;
use links::Links;

/// How long a participant waits before it asks identity again what it has
/// missed: nothing is served until it knows.
const CATCH_UP_AGAIN: Duration = Duration::from_secs(1);

/// A service that stores something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Accounts.
    Identity,
    /// Sessions.
    Session,
    /// Personas.
    Persona,
}

impl Part {
    /// Its name, as settings, certificates and permissions have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Session => "session",
            Self::Persona => "persona",
        }
    }

    /// The one that the certificate in the settings is for.
    pub(crate) fn certified(config: &RosterConfig) -> Result<Self, StartError> {
        let certified = links::certified(config)?;
        [Self::Identity, Self::Session, Self::Persona]
            .into_iter()
            .find(|part| certified.as_ref().is_some_and(|it| it.as_str() == part.name()))
            .ok_or(StartError::Certificate("a service that stores something"))
    }

    const fn service(self) -> ServiceName {
        ServiceName::from_static(self.name())
    }
}

/// The service that runs.
enum Running {
    Identity(roster_identity::Service),
    Session(roster_session::Service),
    Persona(roster_persona::Service),
    Gateway,
}

/// Why something could not be done to the service of a node.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It is another service that this is done to.
    #[error("the {0} service has nothing to do with that")]
    Another(&'static str),
    /// Identity could not be restored, or compared with the others.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// Nobody could be made an administrator.
    #[error(transparent)]
    Recover(#[from] RecoverAdminError),
    /// Not every session could be ended.
    #[error(transparent)]
    EndSessions(#[from] EndSessionsError),
}

/// A service in a process of its own, with what it stores and how it reaches
/// the others.
pub struct Node {
    env: Env,
    running: Running,
    /// What is served: to clients by the edge, to peers by the others.
    entrance: Router,
    /// What tells operators whether the service can do its work.
    health: Router,
    metrics: Metrics,
    links: Links,
    db: Option<Db>,
    bus: Option<Arc<JetStreamBus>>,
    /// The right to work on the tables.
    claimed: Option<Claimed>,
    caught_up: CaughtUp,
    /// What the service does in the background.
    tasks: Tasks,
    /// What ends when a drain begins.
    edge_tasks: Tasks,
    listening: Option<Listening>,
    operations: Option<Listening>,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").finish_non_exhaustive()
    }
}

impl Node {
    /// Puts a service together without listening for anybody. `hash_params`
    /// are as in [`crate::Suite::assemble`].
    pub async fn service(
        config: &RosterConfig,
        part: Part,
        env: Env,
        hash_params: HashParams,
    ) -> Result<Self, StartError> {
        start::service(config, part, env, hash_params, false).await
    }

    /// The same where no other process runs the service, for what has to be done
    /// to its tables alone.
    pub async fn alone(
        config: &RosterConfig,
        part: Part,
        env: Env,
        hash_params: HashParams,
    ) -> Result<Self, StartError> {
        start::service(config, part, env, hash_params, true).await
    }

    /// Puts the edge together without listening for anybody.
    pub async fn gateway(config: &RosterConfig, env: Env) -> Result<Self, StartError> {
        start::gateway(config, env).await
    }

    /// Runs until told to stop by SIGTERM or SIGINT, or until a background
    /// task fails; then lets accepted calls end.
    pub async fn serve(
        mut self,
        config: &RosterConfig,
        admin_password: Option<SecretString>,
    ) -> anyhow::Result<()> {
        let mut terminated = std::pin::pin!(terminated()?);
        let failed = self.tasks.token();
        // The address first: where it cannot be had, nothing is done.
        let listener = self.bind(config).await?;
        self.answer_operators(config).await?;
        let started = tokio::select! {
            started = self.start(config, listener, admin_password) => Some(started?),
            () = &mut terminated => None,
        };
        if started.is_some() {
            first_start::greet_node(&self)?;
            tokio::select! {
                () = &mut terminated => {}
                () = failed.cancelled() => {}
            }
        }
        let failed = self.tasks.failed();
        tracing::info!("draining");
        self.stop().await;
        tracing::info!("stopped");
        anyhow::ensure!(!failed, "a background task failed; the log says which");
        Ok(())
    }

    /// Starts listening for operators: they want to see what a process that
    /// does not serve yet is waiting for.
    pub async fn answer_operators(&mut self, config: &RosterConfig) -> Result<(), StartError> {
        let Some(address) = config.metrics_listen else { return Ok(()) };
        let asked = operations::routes(self.metrics.scraper(), self.health.clone());
        let serving = |listener, stop| operations::serve(listener, asked, stop);
        self.operations = Some(Listening::start(bind(address).await?, serving)?);
        Ok(())
    }

    /// Takes the address where clients connect, or peers.
    async fn bind(&self, config: &RosterConfig) -> Result<TcpListener, StartError> {
        bind(if self.is_gateway() { config.listen } else { config.peers.listen }).await
    }

    const fn is_gateway(&self) -> bool {
        matches!(self.running, Running::Gateway)
    }

    /// Does what has to be done before the first call, and serves whoever comes
    /// to `listener`.
    pub async fn start(
        &mut self,
        config: &RosterConfig,
        listener: TcpListener,
        admin_password: Option<SecretString>,
    ) -> Result<(), StartError> {
        let encryption = Encryption::load(config)?;
        self.ensure_first_admin(admin_password).await?;
        if !self.is_gateway() {
            return self.serve_peers(config, listener).await;
        }
        let (entrance, limits) = (self.entrance.clone(), config.server.clone());
        let meters = self.metrics.meters();
        let meter = ConnectionMeter::new(meters);
        let fresh = |it: Encryption| it.keep_fresh(self.env.clone(), meters, &self.edge_tasks);
        let certificates = encryption.map(fresh);
        self.listening = Some(Listening::start(listener, |listener, stop| {
            serve_clients(listener, entrance, certificates, limits, meter, stop)
        })?);
        Ok(())
    }

    /// Makes a participant agree with the ledger, for as long as it takes:
    /// identity may come later, and who has been deleted since must not be let
    /// in, not even for a moment. Where no other process of the service answers
    /// meanwhile, this one tells identity whom it knows, and nobody anything else:
    /// identity may be waiting for that, having been put back from a backup.
    async fn serve_peers(
        &mut self,
        config: &RosterConfig,
        listener: TcpListener,
    ) -> Result<(), StartError> {
        let mut listener = Some(listener);
        while let Some(Err(error)) = self.reconcile().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "waiting for the identity service");
            if !self.is_served().await {
                self.listen(config, &mut listener)?;
            }
            self.env.sleep(CATCH_UP_AGAIN).await;
        }
        if let Some(claimed) = &self.claimed {
            claimed
                .serve()
                .await
                .map_err(|error| StartError::Build(self.name(), Box::new(error)))?;
        }
        self.caught_up.set();
        self.listen(config, &mut listener)
    }

    async fn is_served(&self) -> bool {
        match &self.claimed {
            Some(claimed) => claimed.is_served().await,
            None => true,
        }
    }

    /// Listens for peers, unless it does so already.
    fn listen(
        &mut self,
        config: &RosterConfig,
        listener: &mut Option<TcpListener>,
    ) -> Result<(), StartError> {
        let Some(listener) = listener.take() else { return Ok(()) };
        let (entrance, limits) = (self.entrance.clone(), config.server.clone());
        let meter = ConnectionMeter::new(self.metrics.meters());
        let certificates = Arc::clone(&self.links.certificates);
        self.listening = Some(Listening::start(listener, |listener, stop| async move {
            let listener = roster_peers::PeerListener::new(listener, certificates);
            tell_of_cut(serve(listener, entrance, limits, meter, stop).await);
        })?);
        Ok(())
    }

    /// Makes the administrator if there are no users yet, and a password is
    /// given: one that is drawn would have nowhere to be shown but in a log.
    async fn ensure_first_admin(&self, password: Option<SecretString>) -> Result<(), StartError> {
        let (Running::Identity(identity), Some(password)) = (&self.running, password) else {
            return Ok(());
        };
        if identity.ensure_first_admin(FIRST_ADMIN, Some(password)).await?.is_some() {
            tracing::info!("the first administrator has been made");
        }
        Ok(())
    }

    /// Makes a participant agree with the ledger of users, now; nothing where
    /// the service is none.
    pub async fn reconcile(&self) -> Option<Result<ReconcileReport, ReconcileError>> {
        match &self.running {
            Running::Session(session) => Some(session.reconcile().await),
            Running::Persona(persona) => Some(persona.reconcile().await),
            Running::Identity(_) | Running::Gateway => None,
        }
    }

    /// Brings identity's database, put back from a backup, up to what the other
    /// services know; see [`roster_identity::Service::restore`].
    pub async fn restore_identity(&self, planned: bool) -> Result<Restored, CommandError> {
        Ok(self.identity()?.restore(planned).await?)
    }

    /// See [`roster_identity::Service::has_whole_ledger`].
    pub async fn has_whole_ledger(&self) -> Result<bool, CommandError> {
        Ok(self.identity()?.has_whole_ledger().await?)
    }

    /// Makes `username` an administrator who can sign in; see
    /// [`roster_identity::Service::recover_admin`].
    pub async fn recover_admin(
        &self,
        username: &str,
        create: bool,
    ) -> Result<RecoveredAdmin, CommandError> {
        Ok(self.identity()?.recover_admin(username, create).await?)
    }

    /// Ends every session; see [`roster_session::Service::end_all_sessions`].
    pub async fn end_all_sessions(&self) -> Result<u64, CommandError> {
        match &self.running {
            Running::Session(session) => Ok(session.end_all_sessions().await?),
            Running::Identity(_) | Running::Persona(_) | Running::Gateway => {
                Err(CommandError::Another(self.name()))
            }
        }
    }

    const fn identity(&self) -> Result<&roster_identity::Service, CommandError> {
        match &self.running {
            Running::Identity(identity) => Ok(identity),
            Running::Session(_) | Running::Persona(_) | Running::Gateway => {
                Err(CommandError::Another(self.name()))
            }
        }
    }

    /// Which service it is.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.running {
            Running::Identity(_) => Part::Identity.name(),
            Running::Session(_) => Part::Session.name(),
            Running::Persona(_) => Part::Persona.name(),
            Running::Gateway => "gateway",
        }
    }

    /// Where clients connect, or peers.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.listening.as_ref().map(|listening| listening.address)
    }

    /// Where operators ask for metrics and health, if anywhere.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.operations.as_ref().map(|operations| operations.address)
    }

    /// What is measured, as a scrape would find it.
    #[must_use]
    pub fn scraper(&self) -> Scraper {
        self.metrics.scraper()
    }

    /// What has been announced and not been confirmed yet; nothing where
    /// nothing is announced.
    pub async fn backlog(&self) -> Result<Backlog, DbError> {
        match &self.running {
            Running::Identity(identity) => identity.outbox.backlog().await,
            Running::Session(_) | Running::Persona(_) | Running::Gateway => Ok(Backlog::default()),
        }
    }

    /// Whether there is nothing to publish at this moment of the clock; so it is
    /// where nothing is announced.
    pub async fn is_idle(&self) -> Result<bool, DbError> {
        match &self.running {
            Running::Identity(identity) => identity.outbox.is_idle().await,
            Running::Session(_) | Running::Persona(_) | Running::Gateway => Ok(true),
        }
    }

    /// Stops accepting, lets accepted calls end, then the background tasks,
    /// and closes what is open.
    pub async fn stop(mut self) {
        self.edge_tasks.shutdown().await;
        if let Some(listening) = self.listening.take() {
            listening.end().await;
        }
        self.tasks.shutdown().await;
        if let Some(operations) = self.operations.take() {
            operations.end().await;
        }
        self.close().await;
        self.metrics.flush().await;
    }

    /// Ends everything where it stands, as the end of the process would.
    pub async fn crash(mut self) {
        for listening in [self.listening.take(), self.operations.take()].into_iter().flatten() {
            listening.cut();
        }
        self.edge_tasks.abort().await;
        self.tasks.abort().await;
        self.close().await;
    }

    async fn close(&self) {
        if let Some(bus) = &self.bus
            && let Err(error) = bus.drain().await
        {
            tracing::debug!(%error, "connection to the broker not drained");
        }
        if let Some(db) = &self.db
            && let Err(error) = db.close().await
        {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "database not closed");
        }
    }
}
