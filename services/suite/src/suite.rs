//! The running whole: started, served, stopped.

use std::{net::SocketAddr, sync::Arc};

use roster_events::{InProcessBus, JetStreamError};
use roster_identity::{
    FirstAdminError, HashParams, RecoverAdminError, RecoveredAdmin, RestoreError, Restored,
};
use roster_kernel::Env;
use roster_participant::{ReconcileError, ReconcileReport};
use roster_server::{
    metrics::{ConnectionMeter, Scraper},
    operations,
    telemetry::TelemetryError,
    tls::TlsError,
};
use roster_session::EndSessionsError;
use secrecy::SecretString;
use tonic::service::Routes;

use crate::{
    LockError, RosterConfig,
    encryption::Encryption,
    first_start,
    internal_socket::{Bound, InternalSocket},
    listening::{Listening, Ports, serve_clients, terminated},
    secrets::SecretsError,
    services::Services,
};

/// What the first administrator signs in with.
pub const FIRST_ADMIN: &str = "admin";

/// Why the whole could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be used.
    #[error("cannot use the data directory {0}")]
    DataDir(String, #[source] std::io::Error),
    /// Another process works on the data directory, or nobody can.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The secrets cannot be used.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// A database cannot be opened or brought up to date.
    #[error("cannot use {0}: {advice}", advice = .1.advice(.0.engine()))]
    Db(Box<roster_db::DbConfig>, #[source] roster_db::DbError),
    /// There is data, but one of the databases is gone. An empty one in its
    /// place would seem to work: a new administrator, or nobody's personas.
    #[error(
        "{0} is missing although there is data: restore the whole data directory from your backup"
    )]
    MissingDb(String),
    /// A database lacks a migration, and this process is not to apply it.
    #[error("{0} is not up to date, it lacks {1}: run `roster migrate` first")]
    Behind(String, String),
    /// Others work on the tables, and this has to be done alone.
    #[error(
        "{0} is in use: stop every process that works on it first, and start them again when this \
         has ended"
    )]
    InUse(String),
    /// A command works on the tables that has to be alone.
    #[error("{0} is in use by somebody who has to be alone with it: start when that has ended")]
    Reserved(String),
    /// The keys that API keys are encrypted with are not those that the
    /// stored ones need.
    #[error("cannot use {0}: restore it from the backup that the databases belong to")]
    Keyring(String, #[source] roster_identity::KeyringError),
    /// API keys cannot be encrypted with another key.
    #[error("cannot encrypt the API keys with another key")]
    Rotation(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A service cannot be built.
    #[error("cannot build the {0} service")]
    Build(&'static str, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// There are no users, and the first one cannot be made.
    #[error("cannot make the administrator")]
    FirstAdmin(#[source] FirstAdminError),
    /// `ADMIN_PASSWORD` is no password.
    #[error("ADMIN_PASSWORD cannot be used")]
    AdminPassword(#[source] FirstAdminError),
    /// A service cannot be made to agree with the ledger of users.
    #[error("the {0} service cannot catch up with the ledger of users")]
    Reconcile(&'static str, #[source] ReconcileError),
    /// What is measured cannot be exported.
    #[error(transparent)]
    Metrics(#[from] TelemetryError),
    /// The internal socket cannot be listened on.
    #[error("cannot listen on the internal socket {0}")]
    InternalSocket(String, #[source] std::io::Error),
    /// The certificate of the listener cannot be used.
    #[error("tls")]
    Tls(#[source] TlsError),
    /// A setting that this process needs is not given.
    #[error("configuration: {0} is needed here")]
    Setting(&'static str),
    /// The certificate names another service, or none.
    #[error("configuration: peers.certificate is not that of {0}, which is needed here")]
    Certificate(&'static str),
    /// What proves to the other services who this one is cannot be used.
    #[error("peers")]
    Peers(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The broker cannot be used.
    #[error(transparent)]
    Broker(#[from] JetStreamError),
    /// Signals cannot be received.
    #[error("cannot wait for signals")]
    Signal(#[source] std::io::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
}

impl From<FirstAdminError> for StartError {
    fn from(error: FirstAdminError) -> Self {
        match error {
            FirstAdminError::Password(_) => Self::AdminPassword(error),
            FirstAdminError::Username(_) | FirstAdminError::Failed(_) => Self::FirstAdmin(error),
        }
    }
}

/// All services of Roster in one process.
#[derive(Debug)]
pub struct Suite {
    env: Env,
    services: Services,
    listening: Option<Listening>,
    /// Where operators ask; open for longer than where clients do.
    operations: Option<Listening>,
    /// Where services of the same machine ask.
    local: Option<InternalSocket>,
}

impl Suite {
    /// Puts the services together without listening for clients.
    /// `hash_params` are [`roster_identity::IdentityConfig::hash_params`],
    /// except in tests, where hashes need not be costly.
    pub async fn assemble(
        config: &RosterConfig,
        env: Env,
        hash_params: HashParams,
    ) -> Result<Self, StartError> {
        let services = Services::build(config, env.clone(), hash_params).await?;
        Ok(Self { env, services, listening: None, operations: None, local: None })
    }

    /// Starts listening, for operators and then for clients.
    pub async fn listen(&mut self, config: &RosterConfig) -> Result<(), StartError> {
        let ports = Ports::take(config).await?;
        let local = Bound::bind(config)?;
        self.catch_up().await?;
        self.accept(ports, local, config)
    }

    /// Makes every participant agree with the ledger before the first client
    /// comes: one that was restored from a backup must not accept, not even
    /// for a moment, who has been deleted since.
    async fn catch_up(&self) -> Result<(), StartError> {
        for (service, report) in self.reconcile().await {
            report.map_err(|error| StartError::Reconcile(service, error))?;
        }
        Ok(())
    }

    fn accept(
        &mut self,
        ports: Ports,
        local: Option<Bound>,
        config: &RosterConfig,
    ) -> Result<(), StartError> {
        let Ports { clients, encryption, operators } = ports;
        let (edge, limits) = (self.services.edge.clone(), config.server.clone());
        if let Some(listener) = operators {
            let asked = operations::routes(self.services.metrics.scraper(), edge.clone());
            let serving = |listener, stop| operations::serve(listener, asked, stop);
            self.operations = Some(Listening::start(listener, serving)?);
        }
        let meters = self.services.metrics.meters();
        let fresh =
            |it: Encryption| it.keep_fresh(self.env.clone(), meters, &self.services.edge_tasks);
        let certificates = encryption.map(fresh);
        let meter = ConnectionMeter::new(meters);
        let entrance = self.services.local.clone();
        self.local = local.map(|bound| bound.accept(entrance, limits.clone(), meter.clone()));
        let serving =
            |listener, stop| serve_clients(listener, edge, certificates, limits, meter, stop);
        self.listening = Some(Listening::start(clients, serving)?);
        Ok(())
    }

    /// Makes the administrator if there are no users yet.
    pub async fn ensure_first_admin(
        &self,
        password: Option<SecretString>,
    ) -> Result<Option<roster_identity::FirstAdmin>, StartError> {
        Ok(self.services.identity.ensure_first_admin(FIRST_ADMIN, password).await?)
    }

    /// Makes `username` an administrator who can sign in; see
    /// [`roster_identity::Service::recover_admin`].
    pub async fn recover_admin(
        &self,
        username: &str,
        create: bool,
    ) -> Result<RecoveredAdmin, RecoverAdminError> {
        self.services.identity.recover_admin(username, create).await
    }

    /// Brings identity's database, put back from a backup, up to what the other
    /// services know; see [`roster_identity::Service::restore`].
    pub async fn restore_identity(&self, planned: bool) -> Result<Restored, RestoreError> {
        self.services.identity.restore(planned).await
    }

    /// Ends every session; see [`roster_session::Service::end_all_sessions`].
    pub async fn end_all_sessions(&self) -> Result<u64, EndSessionsError> {
        self.services.session.end_all_sessions().await
    }

    /// Runs until told to stop by SIGTERM or SIGINT, or until a background
    /// task fails; then lets accepted calls end.
    pub async fn serve(
        config: RosterConfig,
        admin_password: Option<SecretString>,
        env: Env,
    ) -> anyhow::Result<()> {
        // Heard from the beginning: a process that is told to end before it
        // listens for it ends on the spot.
        let terminated = terminated()?;
        // The address first: where it cannot be had, nothing is made, and no
        // password is drawn that nobody gets to see.
        let ports = Ports::take(&config).await?;
        let mut suite = Self::assemble(&config, env, config.identity.hash_params()).await?;
        let local = Bound::bind(&config)?;
        suite.catch_up().await?;
        // The administrator before the first client, who could otherwise
        // register and be the one user there is; and last of all that can
        // fail, so that a password that was drawn is shown.
        let admin = suite.ensure_first_admin(admin_password).await?;
        suite.accept(ports, local, &config)?;
        first_start::greet(&suite, &config, admin.as_ref())?;
        let failed = suite.services.tasks.token();
        let failed = tokio::select! {
            () = terminated => false,
            () = failed.cancelled() => true,
        };
        tracing::info!("draining");
        suite.stop().await;
        tracing::info!("stopped");
        anyhow::ensure!(!failed, "a background task failed; the log says which");
        Ok(())
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let unbound = SocketAddr::from(([0, 0, 0, 0], 0));
        self.listening.as_ref().map_or(unbound, |listening| listening.address)
    }

    /// Where operators ask for metrics and health, if anywhere.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.operations.as_ref().map(|operations| operations.address)
    }

    /// What is measured, as a scrape would find it.
    #[must_use]
    pub fn scraper(&self) -> Scraper {
        self.services.metrics.scraper()
    }

    /// The bus, for tests to make unreliable.
    #[must_use]
    pub fn bus(&self) -> &Arc<InProcessBus> {
        &self.services.bus
    }

    /// Every service with its name, as the others reach it: for tests to call
    /// what is not for the outside.
    #[must_use]
    pub fn routes(&self) -> [(&'static str, Routes); 3] {
        [
            ("identity", self.services.identity.routes.clone()),
            ("persona", self.services.persona.routes.clone()),
            ("session", self.services.session.routes.clone()),
        ]
    }

    /// Makes every participant agree with the ledger of users, now.
    pub async fn reconcile(&self) -> Vec<(&'static str, Result<ReconcileReport, ReconcileError>)> {
        vec![
            ("persona", self.services.persona.reconcile().await),
            ("session", self.services.session.reconcile().await),
        ]
    }

    /// Completes when nothing more will happen unless the time moves on or
    /// somebody calls: everything announced has been delivered and answered.
    pub async fn settle(&self) -> Result<(), roster_db::DbError> {
        let outbox = &self.services.identity.outbox;
        while !outbox.is_idle().await? || self.services.bus.in_flight() > 0 {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Stops accepting, lets accepted calls end, then the background tasks,
    /// and closes the databases.
    pub async fn stop(mut self) {
        if let Some(listening) = self.listening.take() {
            self.services.edge_tasks.shutdown().await;
            listening.end().await;
        }
        if let Some(local) = self.local.take() {
            local.stop().await;
        }
        self.services.tasks.shutdown().await;
        // Until here operators can see how far the end is.
        if let Some(operations) = self.operations.take() {
            operations.end().await;
        }
        self.services.close().await;
        self.services.metrics.flush().await;
    }

    /// Ends everything where it stands, as the end of the process would.
    pub async fn crash(mut self) {
        if let Some(listening) = self.listening.take() {
            listening.cut();
        }
        if let Some(operations) = self.operations.take() {
            operations.cut();
        }
        if let Some(local) = self.local.take() {
            local.cut();
        }
        self.services.edge_tasks.abort().await;
        self.services.tasks.abort().await;
        self.services.close().await;
    }
}
