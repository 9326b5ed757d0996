//! What the services that keep data about users are asked.

mod elsewhere;
mod export;
mod subjects;

use std::{collections::HashMap, time::Duration};

use futures_util::future::join_all;
use roster_db::{Db, DbError};
use roster_kernel::{Actor, Caller, Deadline, Env, ServiceName, UserId};
use roster_proto::subject::v1::{
    CountSubjectDataRequest, KindCount, SubjectCounts, SumSubjectDataRequest,
    subject_data_service_client::SubjectDataServiceClient,
};
use roster_server::{Upstream, outgoing};
use tonic::{Request, Status};

use crate::domain::UserStatistics;
use elsewhere::Joined;

pub use elsewhere::Ways;
pub use export::{Records, Unavailable};
pub use subjects::Silent;

/// How long a list waits for the counts: it is worth having without them.
const COUNTS_WITHIN: Duration = Duration::from_millis(500);

/// How much there is of each kind, ordered by kind.
pub type Counts = Vec<(String, i64)>;

type Client = SubjectDataServiceClient<Upstream>;

/// A participant and the way to it.
type Known = (ServiceName, Upstream);

/// The participants, asked on behalf of callers: those of Roster, and those that
/// have joined.
#[derive(Debug)]
pub struct Participants {
    own: Vec<Known>,
    joined: Joined,
    env: Env,
    name: ServiceName,
}

impl Participants {
    /// Asks `own`, and whoever has joined according to `db` and is reached on
    /// `ways`, as the service `name`.
    pub fn new(own: Vec<Known>, db: Db, ways: Ways, env: Env, name: ServiceName) -> Self {
        Self { own, joined: Joined::new(db, ways), env, name }
    }

    /// The names of the participants, in their order.
    pub async fn names(&self) -> Result<Vec<ServiceName>, DbError> {
        Ok(self.all().await?.into_iter().map(|(name, _)| name).collect())
    }

    /// Everybody of this moment, by name.
    async fn all(&self) -> Result<Vec<Known>, DbError> {
        let mut all = self.joined.all().await?;
        all.extend(self.own.iter().cloned());
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(all)
    }

    /// The way to one participant, if it can be told.
    async fn way(&self, participant: &ServiceName) -> Option<Upstream> {
        match self.all().await {
            Ok(all) => all.into_iter().find(|(name, _)| name == participant).map(|(_, way)| way),
            Err(error) => {
                tracing::warn!(class = error.class(), "participants not read");
                None
            }
        }
    }

    /// How much the participants keep for each of `users`, as far as they
    /// answer in time. One call to each participant, all at the same time; and
    /// none to those that have joined, whose kinds no list shows.
    pub async fn count(
        &self,
        caller: &Caller,
        users: &[UserId],
    ) -> HashMap<UserId, UserStatistics> {
        let mut statistics = HashMap::with_capacity(users.len());
        if users.is_empty() {
            return statistics;
        }
        let counted = self.count_each(self.own.clone(), caller, users, COUNTS_WITHIN).await;
        for (_, subjects) in counted {
            merge(&mut statistics, subjects.unwrap_or_default());
        }
        statistics
    }

    /// How much each participant keeps for one user: `None` of those that do
    /// not answer `within` that time.
    pub async fn count_one(
        &self,
        caller: &Caller,
        user: UserId,
        within: Duration,
    ) -> Result<Vec<(ServiceName, Option<Counts>)>, DbError> {
        let counted = self.count_each(self.all().await?, caller, &[user], within).await;
        let counted = counted.into_iter().map(|(name, subjects)| {
            let counts = subjects.and_then(|subjects| subjects.into_iter().next());
            (name, counts.map(|subject| sorted(subject.counts)))
        });
        Ok(counted.collect())
    }

    /// How much the participants keep of everybody, as far as they answer in
    /// time.
    pub async fn sum(&self, caller: &Caller) -> UserStatistics {
        let summed =
            self.each(self.own.clone(), COUNTS_WITHIN, |mut client, deadline| async move {
                let request = self.request(SumSubjectDataRequest {}, caller, Some(deadline));
                Ok(client.sum_subject_data(request).await?.into_inner().counts)
            });
        let mut known = UserStatistics::default();
        for counts in summed.await.into_iter().filter_map(|(_, counts)| counts) {
            note(&mut known, counts);
        }
        known
    }

    async fn count_each(
        &self,
        asked: Vec<Known>,
        caller: &Caller,
        users: &[UserId],
        within: Duration,
    ) -> Vec<(ServiceName, Option<Vec<SubjectCounts>>)> {
        let counted = self.each(asked, within, |mut client, deadline| async move {
            let user_ids = users.iter().map(ToString::to_string).collect();
            let message = CountSubjectDataRequest { user_ids };
            let request = self.request(message, caller, Some(deadline));
            Ok(client.count_subject_data(request).await?.into_inner().subjects)
        });
        counted.await
    }

    /// Asks each of some participants, all at the same time; `None` is the answer of
    /// those that fail, or do not answer `within` that time.
    async fn each<T, F>(
        &self,
        asked: Vec<Known>,
        within: Duration,
        ask: impl Fn(Client, Deadline) -> F,
    ) -> Vec<(ServiceName, Option<T>)>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let asked = asked.into_iter().map(|(participant, upstream)| {
            let deadline = Deadline(self.env.now() + within);
            let answer = ask(Client::new(upstream), deadline);
            async move {
                let answer = tokio::select! {
                    answer = answer => answer,
                    () = self.env.clock.sleep_until(deadline.0) => {
                        Err(Status::deadline_exceeded("no counts in time"))
                    }
                };
                if let Err(status) = &answer {
                    tracing::warn!(%participant, code = ?status.code(), "counts not available");
                }
                (participant, answer.ok())
            }
        });
        join_all(asked).await
    }

    /// A request in this service's own name, on behalf of `caller`.
    fn request<T>(&self, message: T, caller: &Caller, deadline: Option<Deadline>) -> Request<T> {
        let caller = Caller { actor: Actor::Service(self.name.clone()), ..caller.clone() };
        outgoing(message, caller, deadline, self.env.now())
    }
}

fn merge(statistics: &mut HashMap<UserId, UserStatistics>, subjects: Vec<SubjectCounts>) {
    for subject in subjects {
        let Ok(user_id) = UserId::parse(&subject.user_id) else { continue };
        note(statistics.entry(user_id).or_default(), subject.counts);
    }
}

fn note(known: &mut UserStatistics, counts: Vec<KindCount>) {
    for each in counts {
        match each.kind.as_str() {
            "personas" => known.personas = Some(each.count),
            "sessions" => known.sessions = Some(each.count),
            // Other kinds are shown when a deletion is planned.
            _ => {}
        }
    }
}

fn sorted(counts: Vec<KindCount>) -> Counts {
    let mut counts: Counts = counts.into_iter().map(|each| (each.kind, each.count)).collect();
    counts.sort_unstable();
    counts
}
