//! A running persona service, its callers, and identity as far as it is
//! needed: something that announces, and a ledger.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::users::Users;
use async_trait::async_trait;
use bytes::Bytes;
use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage};
use roster_db::replay::FingerprintKey;
use roster_events::{Address, Bus, Event, InProcessBus, Inflow, Receipt, Subscription};
use roster_kernel::{
    Actor, Caller, Env, EventId, Origin, PageTokens, ServiceName, SessionId, UserActor, UserId,
};
use roster_persona::{Deps, Migrator, Service, build};
use roster_proto::{
    event::v1::UserDeleted,
    identity::v1::{
        ListSubjectStatesRequest, ListSubjectStatesResponse,
        subject_ledger_service_server::{SubjectLedgerService, SubjectLedgerServiceServer},
    },
    persona::v1::{
        Annotation, CreateAnnotationRequest, CreatePersonaRequest, EntityType, Ontology, Persona,
        UpdateOntologyRequest, annotation_service_client::AnnotationServiceClient,
        ontology_service_client::OntologyServiceClient,
        persona_admin_service_client::PersonaAdminServiceClient,
        persona_service_client::PersonaServiceClient,
    },
    subject::v1::{
        CountSubjectDataRequest, Role, State, SubjectState, Version,
        subject_data_service_client::SubjectDataServiceClient,
    },
};
use roster_server::{AccessTable, ServiceStack, Tasks, Upstream, metrics::Meters};
use roster_testkit::{MockClock, TempDb, eventually};
use tonic::{
    Code, Request, Response, Status,
    service::{Interceptor, Routes, interceptor::InterceptedService},
};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt;

/// Makes every call as one caller.
#[derive(Clone)]
pub struct As(Caller);

impl Interceptor for As {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.extensions_mut().insert(self.0.clone());
        Ok(request)
    }
}

pub type Transport = InterceptedService<Routes, As>;

/// Identity's ledger.
#[derive(Clone, Default)]
pub struct Ledger {
    pub states: Arc<Mutex<Vec<SubjectState>>>,
}

#[async_trait]
impl SubjectLedgerService for Ledger {
    async fn list_subject_states(
        &self,
        request: Request<ListSubjectStatesRequest>,
    ) -> Result<Response<ListSubjectStatesResponse>, Status> {
        let after = usize::try_from(request.into_inner().after_sequence).unwrap();
        let all = self.states.lock().unwrap();
        Ok(Response::new(ListSubjectStatesResponse {
            states: all[after..].to_vec(),
            last_sequence: i64::try_from(all.len()).unwrap(),
            incarnation: 1,
            head_sequence: i64::MAX,
        }))
    }
}

pub struct World {
    pub clock: Arc<MockClock>,
    pub env: Env,
    pub db: TempDb,
    pub bus: Arc<InProcessBus>,
    pub tasks: Tasks,
    pub ledger: Ledger,
    pub users: Users,
    pub service: Service,
}

impl World {
    pub async fn new() -> Self {
        let (clock, env) = roster_testkit::env(1);
        Self::start(clock, env, TempDb::new::<Migrator>().await).await
    }

    /// Starts the service on a database that may hold something.
    pub async fn start(clock: Arc<MockClock>, env: Env, db: TempDb) -> Self {
        let bus = Arc::new(InProcessBus::new(env.clone()));
        let tasks = Tasks::new();
        let ledger = Ledger::default();
        let users = Users::default();
        let access = AccessTable::new(roster_proto::FILE_DESCRIPTOR_SET).unwrap();
        let identity =
            Routes::new(SubjectLedgerServiceServer::new(ledger.clone())).add_service(users.clone());
        let service = build(Deps {
            db: db.db.clone(),
            bus: bus.clone(),
            env: env.clone(),
            page_tokens: Arc::new(PageTokens::new([7; 32])),
            fingerprints: FingerprintKey::new([8; 32]),
            tasks: tasks.clone(),
            stack: ServiceStack::new(access, env.clone()),
            meters: Meters::none(),
            identity: Upstream::from(identity),
        });
        // What is announced before the service listens would be lost.
        eventually(async || bus.subscriptions() > 0).await;
        Self { clock, env, db, bus, tasks, ledger, users, service }
    }

    /// Ends the process as a kill would, and starts another on its database.
    pub async fn restart(self, env: Env) -> Self {
        self.tasks.abort().await;
        Self::start(self.clock, env, self.db).await
    }

    pub fn user(&self) -> Caller {
        self.caller(false)
    }

    pub fn admin(&self) -> Caller {
        self.caller(true)
    }

    fn caller(&self, is_admin: bool) -> Caller {
        Caller {
            actor: Actor::User(UserActor {
                user_id: UserId::generate(&self.env),
                session_id: SessionId::generate(&self.env),
                is_admin,
                password_change_required: false,
            }),
            origin: Origin::default(),
            correlation_id: "test".to_owned(),
        }
    }

    pub fn personas(&self, caller: &Caller) -> PersonaServiceClient<Transport> {
        PersonaServiceClient::new(self.transport(caller))
    }

    pub fn personas_admin(&self, caller: &Caller) -> PersonaAdminServiceClient<Transport> {
        PersonaAdminServiceClient::new(self.transport(caller))
    }

    pub fn ontologies(&self, caller: &Caller) -> OntologyServiceClient<Transport> {
        OntologyServiceClient::new(self.transport(caller))
    }

    pub fn annotations(&self, caller: &Caller) -> AnnotationServiceClient<Transport> {
        AnnotationServiceClient::new(self.transport(caller))
    }

    fn transport(&self, caller: &Caller) -> Transport {
        InterceptedService::new(self.service.routes.clone(), As(caller.clone()))
    }

    /// Calls any method, by its path, with any message.
    pub async fn call(
        &self,
        caller: &Caller,
        path: &str,
        message: DynamicMessage,
    ) -> Result<(), Status> {
        let mut client = tonic::client::Grpc::new(self.transport(caller));
        client.ready().await.unwrap();
        let codec = ProstCodec::<DynamicMessage, ()>::default();
        let path = path.parse().unwrap();
        client.unary(Request::new(message), path, codec).await.map(drop)
    }

    /// Creates a persona with that name.
    pub async fn create(&self, caller: &Caller, name: &str) -> Persona {
        self.create_with(caller, named(name)).await
    }

    pub async fn create_with(&self, caller: &Caller, persona: Persona) -> Persona {
        let request = CreatePersonaRequest { persona: Some(persona), ..Default::default() };
        let created = self.personas(caller).create_persona(request).await.unwrap();
        created.into_inner().persona.unwrap()
    }

    /// Creates an annotation in the video `v1`, a moment after all others.
    pub async fn annotate(&self, caller: &Caller, persona: &Persona, label: &str) -> Annotation {
        self.clock.advance(Duration::from_millis(1));
        let annotation = Annotation {
            persona_id: Some(persona.persona_id.clone()),
            video_id: Some("v1".to_owned()),
            r#type: Some("entity".to_owned()),
            label: Some(label.to_owned()),
            ..Default::default()
        };
        let request =
            CreateAnnotationRequest { annotation: Some(annotation), request_id: String::new() };
        let created = self.annotations(caller).create_annotation(request).await.unwrap();
        created.into_inner().annotation.unwrap()
    }

    /// Gives the ontology of a persona one kind of thing.
    pub async fn classify(&self, caller: &Caller, persona: &Persona, name: &str) -> Ontology {
        let request = UpdateOntologyRequest {
            persona_id: persona.persona_id.clone(),
            ontology: Some(Ontology { entity_types: vec![kind(name)], ..Default::default() }),
            ..Default::default()
        };
        let updated = self.ontologies(caller).update_ontology(request).await.unwrap();
        updated.into_inner().ontology.unwrap()
    }

    /// How many personas the service says each user has.
    pub async fn counts(&self, users: &[&Caller]) -> Vec<i64> {
        let caller = Caller::service(identity());
        let mut client = SubjectDataServiceClient::new(self.transport(&caller));
        let user_ids = users.iter().map(|user| user_id(user).to_string()).collect();
        let counted = client.count_subject_data(CountSubjectDataRequest { user_ids }).await;
        let subjects = counted.unwrap().into_inner().subjects;
        let count = |counts: &[roster_proto::subject::v1::KindCount]| {
            let kinds: Vec<_> = counts.iter().map(|each| each.kind.as_str()).collect();
            assert_eq!(kinds, ["annotations", "ontologies", "personas"]);
            counts[2].count
        };
        assert!(
            subjects.iter().zip(users).all(|(it, user)| it.user_id == user_id(user).to_string())
        );
        subjects.iter().map(|subject| count(&subject.counts)).collect()
    }

    /// Receives the receipts of what is announced from now on.
    pub async fn receipts(&self) -> Box<dyn Inflow> {
        let subscription = Subscription::Receipts { source: identity() };
        self.bus.subscribe(subscription).await.unwrap()
    }

    /// Announces that a user was deleted.
    pub async fn announce_deletion(&self, user: &Caller) {
        let message = UserDeleted {
            state: Some(deleted(user)),
            deletion_id: EventId::generate(&self.env).to_string(),
        };
        let id = EventId::generate(&self.env);
        let event = Event::new(id, identity(), user_id(user), self.env.now(), &message);
        let address = Address::Events { source: identity() };
        self.bus.publish(&address, Bytes::from(event.encode())).await.unwrap();
    }

    /// Deletes a user, as far as this service is concerned; answers how many
    /// rows of each kind the receipt tells of.
    pub async fn delete_user(&self, user: &Caller) -> Vec<(String, i64)> {
        let mut receipts = self.receipts().await;
        self.announce_deletion(user).await;
        done(&mut *receipts).await
    }
}

/// What a receipt tells of.
pub fn erased(annotations: i64, ontologies: i64, personas: i64) -> Vec<(String, i64)> {
    let kinds = [("annotations", annotations), ("ontologies", ontologies), ("personas", personas)];
    kinds.map(|(kind, count)| (kind.to_owned(), count)).to_vec()
}

/// What the next receipt tells of.
pub async fn done(receipts: &mut dyn Inflow) -> Vec<(String, i64)> {
    let delivery = receipts.next().await.unwrap();
    match Receipt::decode(&delivery.payload).unwrap() {
        Receipt::Done { counts, .. } => counts,
        Receipt::Failed { failure, .. } => panic!("not carried out: {failure}"),
    }
}

/// The last state of a deleted user.
pub fn deleted(user: &Caller) -> SubjectState {
    SubjectState {
        user_id: user_id(user).to_string(),
        version: Some(Version { incarnation: 1, number: 2 }),
        session_epoch: 1,
        role: Role::User.into(),
        state: State::Deleted.into(),
        password_change_required: false,
    }
}

pub fn user_id(caller: &Caller) -> UserId {
    match &caller.actor {
        Actor::User(user) => user.user_id,
        Actor::Anonymous | Actor::Machine(_) | Actor::Service(_) => panic!("not a user"),
    }
}

fn identity() -> ServiceName {
    ServiceName::parse("identity").unwrap()
}

/// A kind of thing with that name.
pub fn kind(name: &str) -> EntityType {
    EntityType { type_id: name.to_owned(), name: name.to_owned(), ..Default::default() }
}

pub fn named(name: &str) -> Persona {
    Persona { name: Some(name.to_owned()), ..Default::default() }
}

/// The contracts.
pub fn pool() -> DescriptorPool {
    DescriptorPool::decode(roster_proto::FILE_DESCRIPTOR_SET).unwrap()
}

/// A message of the contracts without its type.
pub fn dynamic<M: Message + Name>(message: &M) -> DynamicMessage {
    let descriptor = pool().get_message_by_name(&M::full_name()).unwrap();
    DynamicMessage::decode(descriptor, &*message.encode_to_vec()).unwrap()
}

/// The reason of a refusal, after its code.
pub fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String) {
    let status = answer.unwrap_err();
    let details = status.get_error_details();
    let info = details.error_info().expect("an ErrorInfo");
    assert_eq!(info.domain, "roster");
    (status.code(), info.reason.clone())
}

/// The fields that a refusal names.
pub fn fields<T: std::fmt::Debug>(answer: Result<T, Status>) -> Vec<String> {
    let status = answer.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let details = status.get_error_details();
    let bad = details.bad_request().expect("a BadRequest");
    bad.field_violations.iter().map(|violation| violation.field.clone()).collect()
}
