//! How the service is put together.

use std::{fmt, sync::Arc};

use roster_db::{Db, replay::FingerprintKey};
use roster_events::Bus;
use roster_kernel::{Env, PageTokens, ServiceName};
use roster_participant::{Participant, ReconcileError, ReconcileReport};
use roster_proto::{
    persona::v1::{
        annotation_service_server::AnnotationServiceServer,
        ontology_service_server::OntologyServiceServer,
        persona_admin_service_server::{self, PersonaAdminServiceServer},
        persona_service_server::{self, PersonaServiceServer},
    },
    subject::v1::subject_data_service_server::SubjectDataServiceServer,
};
use roster_server::{ServiceStack, Tasks, Upstream, health::Probe, metrics::Meters};
use tonic::service::Routes;

use crate::{
    background,
    identity::Identity,
    op::{Cx, subject_data::PersonaData},
    rpc::{AnnotationRpc, OntologyRpc, PersonaAdminRpc, PersonaRpc, RpcCx, convert},
};

const NAME: ServiceName = ServiceName::from_static("persona");
const IDENTITY: ServiceName = ServiceName::from_static("identity");

/// What the service needs of the world around it.
#[derive(Debug)]
pub struct Deps {
    /// This service's own database, migrated.
    pub db: Db,
    /// Where events arrive and receipts are sent.
    pub bus: Arc<dyn Bus>,
    /// Time and randomness.
    pub env: Env,
    /// How lists are continued; the same on every replica.
    pub page_tokens: Arc<PageTokens>,
    /// What repeated requests are recognised by; the same on every replica.
    pub fingerprints: FingerprintKey,
    /// Who owns what runs in the background.
    pub tasks: Tasks,
    /// What stands in front of the service's methods.
    pub stack: ServiceStack,
    /// What its instruments are made of.
    pub meters: Meters,
    /// The identity service.
    pub identity: Upstream,
}

/// The running service.
pub struct Service {
    /// Its methods behind its own stack; also a transport for clients.
    pub routes: Routes,
    db: Db,
    participant: Participant<PersonaData>,
    identity: Upstream,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

/// Puts the service together and starts what runs in the background. There
/// is nothing that an operator can set.
#[must_use]
pub fn build(deps: Deps) -> Service {
    let data = Arc::new(PersonaData);
    let participant = Participant::new(NAME, IDENTITY, deps.db.clone(), deps.env.clone(), data)
        .measured(&deps.meters);
    participant.start(deps.bus, &deps.tasks);
    participant.reconciler(deps.identity.clone()).start(&deps.tasks);
    background::start(deps.db.clone(), deps.env.clone(), &deps.tasks);

    let identity = Identity::new(deps.identity.clone(), deps.env.clone(), NAME);
    let (env, db) = (deps.env, deps.db.clone());
    let cx = Cx { env, db, identity, page_tokens: deps.page_tokens };
    let rpc = RpcCx { cx: Arc::new(cx), fingerprints: deps.fingerprints };
    let routes = Routes::new(PersonaServiceServer::new(PersonaRpc(rpc.clone())))
        .add_service(PersonaAdminServiceServer::new(PersonaAdminRpc(rpc.clone())))
        .add_service(OntologyServiceServer::new(OntologyRpc(rpc.clone())))
        .add_service(AnnotationServiceServer::new(AnnotationRpc(rpc)))
        .add_service(SubjectDataServiceServer::new(participant.rpc(convert::exported)));
    let routes = deps.stack.wrap(routes);
    Service { routes, db: deps.db, participant, identity: deps.identity }
}

impl Service {
    /// What tells whether the service can do its work: the database answers,
    /// and identity's ledger has not lost what was taken in from it.
    #[must_use]
    pub fn probe(&self) -> Probe {
        let (db, agreement) = (self.db.clone(), self.participant.agreement());
        let services =
            [persona_service_server::SERVICE_NAME, persona_admin_service_server::SERVICE_NAME];
        Probe::new(services, move || {
            let (db, broken) = (db.clone(), agreement.is_broken());
            async move { !broken && db.ping().await.is_ok() }
        })
    }

    /// Catches up with identity's ledger: whoever serves the routes does this
    /// first. Every hour it happens by itself.
    pub async fn reconcile(&self) -> Result<ReconcileReport, ReconcileError> {
        self.participant.reconciler(self.identity.clone()).catch_up().await
    }
}
