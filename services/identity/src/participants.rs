//! What the services that keep data about users are asked.

mod export;
mod subjects;

use std::{collections::HashMap, time::Duration};

use futures_util::future::join_all;
use roster_kernel::{Actor, Caller, Deadline, Env, ServiceName, UserId};
use roster_proto::subject::v1::{
    CountSubjectDataRequest, KindCount, SubjectCounts, SumSubjectDataRequest,
    subject_data_service_client::SubjectDataServiceClient,
};
use roster_server::{Upstream, outgoing};
use tonic::{Request, Status};

use crate::domain::UserStatistics;

pub use export::{Records, Unavailable};
pub use subjects::Silent;

/// How long a list waits for the counts: it is worth having without them.
const COUNTS_WITHIN: Duration = Duration::from_millis(500);

/// How much there is of each kind, ordered by kind.
pub type Counts = Vec<(String, i64)>;

type Client = SubjectDataServiceClient<Upstream>;

/// The participants, asked on behalf of callers.
#[derive(Clone, Debug)]
pub struct Participants {
    known: Vec<(ServiceName, Upstream)>,
    env: Env,
    name: ServiceName,
}

impl Participants {
    /// Asks `known` as the service `name`.
    pub fn new(mut known: Vec<(ServiceName, Upstream)>, env: Env, name: ServiceName) -> Self {
        known.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self { known, env, name }
    }

    /// The names of the participants, in their order.
    pub fn names(&self) -> impl Iterator<Item = &ServiceName> {
        self.known.iter().map(|(name, _)| name)
    }

    /// How much the participants keep for each of `users`, as far as they
    /// answer in time. One call to each participant, all at the same time.
    pub async fn count(
        &self,
        caller: &Caller,
        users: &[UserId],
    ) -> HashMap<UserId, UserStatistics> {
        let mut statistics = HashMap::with_capacity(users.len());
        if users.is_empty() {
            return statistics;
        }
        let counted = self.count_each(caller, users, COUNTS_WITHIN).await;
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
    ) -> Vec<(ServiceName, Option<Counts>)> {
        let counted = self.count_each(caller, &[user], within).await;
        let counted = counted.into_iter().map(|(name, subjects)| {
            let counts = subjects.and_then(|subjects| subjects.into_iter().next());
            (name.clone(), counts.map(|subject| sorted(subject.counts)))
        });
        counted.collect()
    }

    /// How much the participants keep of everybody, as far as they answer in
    /// time.
    pub async fn sum(&self, caller: &Caller) -> UserStatistics {
        let summed = self.each(COUNTS_WITHIN, |mut client, deadline| async move {
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
        caller: &Caller,
        users: &[UserId],
        within: Duration,
    ) -> Vec<(&ServiceName, Option<Vec<SubjectCounts>>)> {
        let counted = self.each(within, |mut client, deadline| async move {
            let user_ids = users.iter().map(ToString::to_string).collect();
            let message = CountSubjectDataRequest { user_ids };
            let request = self.request(message, caller, Some(deadline));
            Ok(client.count_subject_data(request).await?.into_inner().subjects)
        });
        counted.await
    }

    /// Asks each participant, all at the same time; `None` is the answer of
    /// those that fail, or do not answer `within` that time.
    async fn each<T, F>(
        &self,
        within: Duration,
        ask: impl Fn(Client, Deadline) -> F,
    ) -> Vec<(&ServiceName, Option<T>)>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let asked = self.known.iter().map(|(participant, upstream)| {
            let deadline = Deadline(self.env.now() + within);
            let answer = ask(Client::new(upstream.clone()), deadline);
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
