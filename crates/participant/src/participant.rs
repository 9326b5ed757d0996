//! A service's part in the life of its users' data, put together.

use std::{fmt, sync::Arc};

use prost_types::Any;
use roster_db::Db;
use roster_events::{Bus, Consumer};
use roster_kernel::{Env, ServiceName};
use roster_server::{Tasks, Upstream, metrics::Meters};

use crate::{
    Agreement, Reconciler, SubjectData, SubjectDataRpc, events::SubjectEvents,
    measure::ParticipantMeter,
};

/// A service that keeps data about users.
pub struct Participant<D> {
    name: ServiceName,
    identity: ServiceName,
    db: Db,
    env: Env,
    data: Arc<D>,
    meter: ParticipantMeter,
    agreement: Agreement,
}

impl<D> fmt::Debug for Participant<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Participant").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<D: SubjectData> Participant<D> {
    /// The service `name`, which keeps `data` in `db` and listens to
    /// `identity`.
    #[must_use]
    pub fn new(name: ServiceName, identity: ServiceName, db: Db, env: Env, data: Arc<D>) -> Self {
        let meter = ParticipantMeter::new(&Meters::none(), &name);
        Self { name, identity, db, env, data, meter, agreement: Agreement::default() }
    }

    /// The same participant, which also counts what it erases and what should
    /// not be left.
    #[must_use]
    pub fn measured(mut self, meters: &Meters) -> Self {
        self.meter = ParticipantMeter::new(meters, &self.name);
        self
    }

    /// Starts consuming identity's events in the background.
    pub fn start(&self, bus: Arc<dyn Bus>, tasks: &Tasks) {
        let handler = SubjectEvents {
            db: self.db.clone(),
            env: self.env.clone(),
            data: Arc::clone(&self.data),
            meter: self.meter.clone(),
        };
        let consumer = Consumer::new(
            self.name.clone(),
            self.identity.clone(),
            self.db.clone(),
            self.env.clone(),
            Arc::new(handler),
        );
        consumer.start(bus, tasks);
    }

    /// What catches up with identity's ledger, asked through `ledger`.
    #[must_use]
    pub fn reconciler(&self, ledger: Upstream) -> Reconciler<D> {
        Reconciler::new(
            self.name.clone(),
            self.db.clone(),
            self.env.clone(),
            Arc::clone(&self.data),
            ledger,
            self.meter.clone(),
            self.agreement.clone(),
        )
    }

    /// Whether the ledger is as new as what was taken in from it: a part of the
    /// service's health.
    #[must_use]
    pub fn agreement(&self) -> Agreement {
        self.agreement.clone()
    }

    /// What answers how much the service keeps, and hands it out as `encode`
    /// writes it: as the messages of the service's public contract.
    #[must_use]
    pub fn rpc(&self, encode: fn(D::Item) -> Any) -> SubjectDataRpc<D> {
        SubjectDataRpc::new(self.db.clone(), self.env.clone(), Arc::clone(&self.data), encode)
    }
}
