//! A participant in the hands of a test: it hears what is announced, and
//! confirms what it is told to confirm.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use prost_types::Any;
use roster_events::{Address, Bus, Event, InProcessBus, Inflow, Receipt, Subscription};
use roster_kernel::{Caller, ServiceName, Timestamp};
use roster_proto::subject::v1::{
    CountSubjectDataRequest, CountSubjectDataResponse, ExportSubjectDataRequest,
    ExportSubjectDataResponse, KindCount, KnownSubject, ListSubjectsRequest, ListSubjectsResponse,
    SubjectCounts, SumSubjectDataRequest, SumSubjectDataResponse,
    subject_data_service_server::{SubjectDataService, SubjectDataServiceServer},
};
use roster_server::Upstream;
use tokio_stream::Stream;
use tonic::{Request, Response, Status, service::Routes};

use crate::world::name;

/// What a participant says it keeps of everybody.
#[derive(Debug, Default)]
pub struct Counts {
    pub kinds: Vec<(&'static str, i64)>,
    pub mute: AtomicBool,
    /// Who asked for how many users.
    pub asked: Mutex<Vec<(Caller, usize)>>,
    /// What it hands out of everybody, a kind and a text for each record.
    pub records: Vec<(&'static str, String)>,
    /// What becomes of it behind so many records.
    pub ends: Option<(usize, End)>,
    /// Whom it knows of, ordered by id.
    pub subjects: Mutex<Vec<KnownSubject>>,
    /// How many records have been asked for.
    pub taken: Arc<AtomicUsize>,
}

/// How the handing out ends before its time.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// With an error.
    Fails,
    /// Not at all: nothing more comes.
    Hangs,
}

impl Counts {
    pub fn of(kinds: &[(&'static str, i64)]) -> Arc<Self> {
        Arc::new(Self { kinds: kinds.to_vec(), ..Self::default() })
    }

    fn counts(&self) -> Vec<KindCount> {
        let count =
            |(kind, count): &(&str, i64)| KindCount { kind: (*kind).to_owned(), count: *count };
        self.kinds.iter().map(count).collect()
    }

    pub fn upstream(self: &Arc<Self>) -> Upstream {
        Routes::new(SubjectDataServiceServer::from_arc(Arc::clone(self))).into()
    }
}

#[async_trait]
impl SubjectDataService for Counts {
    async fn count_subject_data(
        &self,
        request: Request<CountSubjectDataRequest>,
    ) -> Result<Response<CountSubjectDataResponse>, Status> {
        let caller = request.extensions().get::<Caller>().unwrap().clone();
        let users = request.into_inner().user_ids;
        self.asked.lock().unwrap().push((caller, users.len()));
        if self.mute.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let counts = self.counts();
        let subjects = users
            .into_iter()
            .map(|user_id| SubjectCounts { user_id, counts: counts.clone() })
            .collect();
        Ok(Response::new(CountSubjectDataResponse { subjects }))
    }

    async fn sum_subject_data(
        &self,
        _request: Request<SumSubjectDataRequest>,
    ) -> Result<Response<SumSubjectDataResponse>, Status> {
        if self.mute.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        Ok(Response::new(SumSubjectDataResponse { counts: self.counts() }))
    }

    type ExportSubjectDataStream =
        Pin<Box<dyn Stream<Item = Result<ExportSubjectDataResponse, Status>> + Send>>;

    async fn export_subject_data(
        &self,
        request: Request<ExportSubjectDataRequest>,
    ) -> Result<Response<Self::ExportSubjectDataStream>, Status> {
        let caller = request.extensions().get::<Caller>().unwrap().clone();
        self.asked.lock().unwrap().push((caller, 1));
        let records = self.records.clone();
        let (ends, taken) = (self.ends, Arc::clone(&self.taken));
        let parts = stream::unfold(0, move |at| {
            let record = records.get(at).map(exported);
            let end = ends.filter(|(behind, _)| *behind == at).map(|(_, end)| end);
            let taken = Arc::clone(&taken);
            async move {
                taken.fetch_add(1, Ordering::SeqCst);
                match end {
                    Some(End::Fails) => Some((Err(Status::internal("on purpose")), at)),
                    Some(End::Hangs) => std::future::pending().await,
                    None => record.map(|record| (Ok(record), at + 1)),
                }
            }
        });
        Ok(Response::new(Box::pin(parts)))
    }

    async fn list_subjects(
        &self,
        request: Request<ListSubjectsRequest>,
    ) -> Result<Response<ListSubjectsResponse>, Status> {
        if self.mute.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let after = request.into_inner().after_user_id;
        let known = self.subjects.lock().unwrap();
        // Pages as short as can be.
        let next = known.iter().filter(|each| each.user_id > after).take(1);
        Ok(Response::new(ListSubjectsResponse { subjects: next.cloned().collect() }))
    }
}

fn exported((kind, text): &(&'static str, String)) -> ExportSubjectDataResponse {
    let record = Any { type_url: "type.example.org/Note".to_owned(), value: text.clone().into() };
    ExportSubjectDataResponse { kind: (*kind).to_owned(), record: Some(record) }
}

/// The consuming side of a participant.
pub struct Consumer {
    name: ServiceName,
    bus: Arc<InProcessBus>,
    inflow: Box<dyn Inflow>,
}

impl Consumer {
    /// Listens as `consumer` from now on.
    pub async fn listen(bus: &Arc<InProcessBus>, consumer: &str) -> Self {
        let name = name(consumer);
        let subscription =
            Subscription::Events { source: crate::world::name("identity"), consumer: name.clone() };
        let inflow = bus.subscribe(subscription).await.unwrap();
        Self { name, bus: Arc::clone(bus), inflow }
    }

    /// The next event.
    pub async fn hear(&mut self) -> Event {
        let next = tokio::time::timeout(std::time::Duration::from_secs(20), self.inflow.next());
        let delivery = next.await.expect("nothing was announced").unwrap();
        Event::decode(&delivery.payload).unwrap()
    }

    /// Confirms `event`, with some counts.
    pub async fn confirm(&self, event: &Event, counts: &[(&str, i64)], at: Timestamp) {
        let counts = counts.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect();
        self.answer(event, &Receipt::Done { event_id: event.id, counts, at }).await;
    }

    /// Says that `event` could not be carried out.
    pub async fn fail(&self, event: &Event, failure: &str) {
        let failure = failure.to_owned();
        self.answer(event, &Receipt::Failed { event_id: event.id, failure }).await;
    }

    async fn answer(&self, event: &Event, receipt: &Receipt) {
        let address =
            Address::Receipts { source: event.source.clone(), consumer: self.name.clone() };
        self.bus.publish(&address, Bytes::from(receipt.encode())).await.unwrap();
    }
}
