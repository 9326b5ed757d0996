//! A participant that keeps notes about users, and an identity to listen to.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use roster_db::{Db, DbError, Pool, Tx};
use roster_events::{Address, Bus, Event, InProcessBus};
use roster_kernel::{Env, EventId, ServiceName, UserId};
use roster_participant::{
    Participant, Place, Role, State, Subject, SubjectData, Version, migration,
    subjects::{self, Admission},
};
use roster_proto::{
    event::v1::{UserDeleted, UserStateChanged},
    identity::v1::{
        ListSubjectStatesRequest, ListSubjectStatesResponse,
        subject_ledger_service_server::{SubjectLedgerService, SubjectLedgerServiceServer},
    },
};
use roster_server::{Tasks, Upstream};
use roster_testkit::{MockClock, TempDb, eventually};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Set,
};
use sea_orm_migration::{
    MigrationName, MigrationTrait, MigratorTrait, SchemaManager,
    prelude::{DbErr, Table},
    schema::uuid,
};
use tonic::{Request, Response, Status, service::Routes};
use uuid::Uuid;

mod note {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "note")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: Uuid,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

struct CreateNote;

impl MigrationName for CreateNote {
    fn name(&self) -> &'static str {
        "m0002_note"
    }
}

#[async_trait]
impl MigrationTrait for CreateNote {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("note")
            .col(uuid("id").primary_key())
            .col(uuid("user_id"))
            .to_owned();
        manager.create_table(table).await
    }
}

pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = migration::all();
        all.push(Box::new(CreateNote));
        all
    }
}

/// Remembers the states it was told, besides the notes.
#[derive(Default)]
pub struct Notes {
    pub states: Mutex<Vec<Subject>>,
}

#[async_trait]
impl SubjectData for Notes {
    type Item = Uuid;

    fn kinds(&self) -> &'static [&'static str] {
        &["notes"]
    }

    async fn count(
        &self,
        connection: &Pool,
        users: &[UserId],
        _now: roster_kernel::Timestamp,
    ) -> Result<Vec<(UserId, &'static str, i64)>, DbError> {
        let mut counts = Vec::new();
        for user in users {
            let of_user = note::Entity::find().filter(note::Column::UserId.eq(user.uuid()));
            let count = of_user.count(connection).await?;
            counts.push((*user, "notes", i64::try_from(count).unwrap()));
        }
        Ok(counts)
    }

    async fn sum(
        &self,
        connection: &Pool,
        _now: roster_kernel::Timestamp,
    ) -> Result<Vec<(&'static str, i64)>, DbError> {
        let count = note::Entity::find().count(connection).await?;
        Ok(vec![("notes", i64::try_from(count).unwrap())])
    }

    async fn export(
        &self,
        connection: &Pool,
        user_id: UserId,
        kind: &'static str,
        after: Option<Place>,
        limit: u64,
    ) -> Result<Vec<(Place, Uuid)>, DbError> {
        assert_eq!(kind, "notes");
        let rows = note::Entity::find()
            .filter(note::Column::UserId.eq(user_id.uuid()))
            .apply_if(after, |query, after| query.filter(note::Column::Id.gt(after.id)))
            .order_by_asc(note::Column::Id)
            .limit(limit)
            .all(connection)
            .await?;
        let place = |id| Place { created_at: roster_testkit::epoch(), id };
        Ok(rows.into_iter().map(|row| (place(row.id), row.id)).collect())
    }

    async fn erase(
        &self,
        tx: &Tx,
        user_id: UserId,
        limit: u64,
    ) -> Result<Vec<(&'static str, u64)>, DbError> {
        let of_user = note::Entity::find()
            .filter(note::Column::UserId.eq(user_id.uuid()))
            .limit(limit)
            .all(&**tx)
            .await?;
        let ids = of_user.into_iter().map(|row| row.id);
        let erased =
            note::Entity::delete_many().filter(note::Column::Id.is_in(ids)).exec(&**tx).await?;
        Ok(vec![("notes", erased.rows_affected)])
    }

    async fn orphans(&self, connection: &Pool) -> Result<Vec<(&'static str, u64)>, DbError> {
        let orphans =
            note::Entity::find().filter(note::Column::UserId.in_subquery(subjects::erased_users()));
        Ok(vec![("notes", orphans.count(connection).await?)])
    }

    /// A disabled user's notes go.
    async fn state_changed(&self, tx: &Tx, subject: &Subject, limit: u64) -> Result<u64, DbError> {
        self.states.lock().unwrap().push(*subject);
        if subject.state == State::Active {
            return Ok(0);
        }
        Ok(self.erase(tx, subject.user_id, limit).await?[0].1)
    }
}

pub struct World {
    pub clock: Arc<MockClock>,
    pub env: Env,
    pub bus: Arc<InProcessBus>,
    pub temp: TempDb,
    pub notes: Arc<Notes>,
    pub participant: Participant<Notes>,
    pub tasks: Tasks,
}

pub fn name(name: &str) -> ServiceName {
    ServiceName::parse(name).unwrap()
}

impl World {
    pub async fn new() -> Self {
        let (clock, env) = roster_testkit::env(1);
        Self::over(TempDb::new::<Migrator>().await, clock, env)
    }

    pub fn over(temp: TempDb, clock: Arc<MockClock>, env: Env) -> Self {
        let bus = Arc::new(InProcessBus::new(env.clone()));
        let notes = Arc::new(Notes::default());
        let participant = Participant::new(
            name("notes"),
            name("identity"),
            temp.db.clone(),
            env.clone(),
            Arc::clone(&notes),
        );
        let tasks = Tasks::new();
        Self { clock, env, bus, temp, notes, participant, tasks }
    }

    pub async fn start(&self) {
        let bus: Arc<dyn Bus> = self.bus.clone();
        self.participant.start(bus, &self.tasks);
        eventually(async || self.bus.subscriptions() > 0).await;
    }

    pub fn db(&self) -> &Db {
        &self.temp.db
    }

    /// Creates a note as a service would: only for a user who is not deleted.
    pub async fn create_note(&self, user: UserId) -> bool {
        let tx = self.db().begin().await.unwrap();
        if subjects::admit(&tx, user, self.env.now()).await.unwrap() == Admission::Deleted {
            return false;
        }
        let row = note::ActiveModel { id: Set(self.env.uuid()), user_id: Set(user.uuid()) };
        row.insert(&*tx).await.unwrap();
        tx.commit().await.unwrap();
        true
    }

    pub async fn add_notes(&self, user: UserId, count: usize) {
        let tx = self.db().begin().await.unwrap();
        for _ in 0..count {
            let row = note::ActiveModel { id: Set(self.env.uuid()), user_id: Set(user.uuid()) };
            row.insert(&*tx).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    pub async fn count(&self, user: UserId) -> i64 {
        self.notes.count(self.db().read(), &[user], self.env.now()).await.unwrap()[0].2
    }

    pub fn subject(user: UserId, number: i64, state: State) -> Subject {
        Subject {
            user_id: user,
            version: Version { incarnation: 1, number },
            session_epoch: number,
            role: Role::User,
            state,
            password_change_required: false,
        }
    }

    pub fn deleted(&self, user: UserId, number: i64) -> Event {
        let message = UserDeleted {
            state: Some(Self::subject(user, number, State::Deleted).into()),
            deletion_id: self.env.uuid().to_string(),
        };
        let id = EventId::generate(&self.env);
        Event::new(id, name("identity"), user, self.env.now(), &message)
    }

    pub fn changed(&self, user: UserId, number: i64, state: State) -> Event {
        let message = UserStateChanged { state: Some(Self::subject(user, number, state).into()) };
        let id = EventId::generate(&self.env);
        Event::new(id, name("identity"), user, self.env.now(), &message)
    }

    pub async fn publish(&self, event: &Event) {
        let address = Address::Events { source: name("identity") };
        self.bus.publish(&address, event.encode().into()).await.unwrap();
    }

    pub async fn settle(&self) {
        eventually(async || self.bus.in_flight() == 0).await;
    }
}

/// A ledger with a fixed content, and the size of its pages.
pub struct Ledger(pub Vec<Subject>, pub usize);

#[async_trait]
impl SubjectLedgerService for Ledger {
    async fn list_subject_states(
        &self,
        request: Request<ListSubjectStatesRequest>,
    ) -> Result<Response<ListSubjectStatesResponse>, Status> {
        let request = request.into_inner();
        let after = usize::try_from(request.after_sequence).unwrap();
        let page: Vec<_> =
            self.0.iter().skip(after).take(self.1).map(|each| (*each).into()).collect();
        let last_sequence = i64::try_from(after + page.len()).unwrap();
        let newest = self.0.iter().map(|each| each.version).max().unwrap_or_default();
        Ok(Response::new(ListSubjectStatesResponse {
            states: page,
            last_sequence,
            incarnation: newest.incarnation,
            head_sequence: newest.number.max(i64::try_from(self.0.len()).unwrap()),
        }))
    }
}

impl Ledger {
    pub fn upstream(self) -> Upstream {
        Upstream::from(Routes::new(SubjectLedgerServiceServer::new(self)))
    }
}
