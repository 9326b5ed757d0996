//! What the services that keep data about users are asked.

use std::{collections::HashMap, time::Duration};

use futures_util::future::join_all;
use roster_kernel::{Actor, Caller, Deadline, Env, ServiceName, UserId};
use roster_proto::subject::v1::{
    CountSubjectDataRequest, SubjectCounts, subject_data_service_client::SubjectDataServiceClient,
};
use roster_server::{Upstream, outgoing};
use tonic::Status;

use crate::domain::UserStatistics;

/// How long a list waits for the counts: it is worth having without them.
const COUNTS_WITHIN: Duration = Duration::from_millis(500);

/// The participants, asked on behalf of callers.
#[derive(Clone, Debug)]
pub struct Participants {
    known: Vec<(ServiceName, Upstream)>,
    env: Env,
    name: ServiceName,
}

impl Participants {
    /// Asks `known` as the service `name`.
    pub const fn new(known: Vec<(ServiceName, Upstream)>, env: Env, name: ServiceName) -> Self {
        Self { known, env, name }
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
        let asked = self.known.iter().map(|(name, upstream)| async move {
            let deadline = Deadline(self.env.now() + COUNTS_WITHIN);
            tokio::select! {
                answer = self.ask(upstream, caller, users, deadline) => (name, answer),
                () = self.env.clock.sleep_until(deadline.0) => {
                    (name, Err(Status::deadline_exceeded("no counts in time")))
                }
            }
        });
        for (participant, answer) in join_all(asked).await {
            match answer {
                Ok(subjects) => merge(&mut statistics, subjects),
                Err(status) => {
                    tracing::warn!(%participant, code = ?status.code(), "counts not available");
                }
            }
        }
        statistics
    }

    async fn ask(
        &self,
        upstream: &Upstream,
        caller: &Caller,
        users: &[UserId],
        deadline: Deadline,
    ) -> Result<Vec<SubjectCounts>, Status> {
        let message =
            CountSubjectDataRequest { user_ids: users.iter().map(ToString::to_string).collect() };
        let caller = Caller { actor: Actor::Service(self.name.clone()), ..caller.clone() };
        let request = outgoing(message, caller, Some(deadline), self.env.now());
        let mut client = SubjectDataServiceClient::new(upstream.clone());
        Ok(client.count_subject_data(request).await?.into_inner().subjects)
    }
}

fn merge(statistics: &mut HashMap<UserId, UserStatistics>, subjects: Vec<SubjectCounts>) {
    for subject in subjects {
        let Ok(user_id) = UserId::parse(&subject.user_id) else { continue };
        let known = statistics.entry(user_id).or_default();
        for each in subject.counts {
            match each.kind.as_str() {
                "personas" => known.personas = Some(each.count),
                "sessions" => known.sessions = Some(each.count),
                "api_keys" => known.api_keys = Some(each.count),
                // Other kinds are shown when a deletion is planned.
                _ => {}
            }
        }
    }
}
