//! What participants hand out of one user, record by record.

use std::{pin::pin, time::Duration};

use roster_kernel::{Caller, Deadline, Env, ServiceName, UserId};
use roster_proto::subject::v1::{
    CountSubjectDataRequest, ExportSubjectDataRequest, ExportSubjectDataResponse,
};
use tonic::{Status, Streaming};

use super::{Client, Participants};
use crate::domain::{Exported, Record};

/// How long a participant may take to answer, and then for each record.
const RECORD_WITHIN: Duration = Duration::from_secs(10);

/// A participant that does not hand out what it keeps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the participant {0} does not hand out what it keeps")]
pub struct Unavailable(pub ServiceName);

/// What one participant keeps of a user. Each record is asked for when the one
/// before has been taken, so that nothing piles up here.
#[derive(Debug)]
pub struct Records {
    participant: ServiceName,
    kinds: Vec<String>,
    stream: Streaming<ExportSubjectDataResponse>,
    env: Env,
}

impl Participants {
    /// Begins to read what one participant keeps of a user.
    pub async fn export(
        &self,
        caller: &Caller,
        participant: &ServiceName,
        user: UserId,
        deadline: Option<Deadline>,
    ) -> Result<Records, Unavailable> {
        let way = self.way(participant).await;
        let mut client = Client::new(way.ok_or_else(|| Unavailable(participant.clone()))?);
        let user_id = user.to_string();
        let opened = async {
            // What kinds there are, so that a manifest can say of which of
            // them there is nothing.
            let message = CountSubjectDataRequest { user_ids: vec![user_id.clone()] };
            let request = self.request(message, caller, deadline);
            let counted = client.count_subject_data(request).await?.into_inner().subjects;
            let message = ExportSubjectDataRequest { user_id };
            let request = self.request(message, caller, deadline);
            let stream = client.export_subject_data(request).await?.into_inner();
            let counts = counted.into_iter().flat_map(|subject| subject.counts);
            let mut kinds: Vec<_> = counts.map(|each| each.kind).collect();
            kinds.sort_unstable();
            Ok((kinds, stream))
        };
        let (kinds, stream) = in_time(&self.env, participant, opened).await?;
        Ok(Records { participant: participant.clone(), kinds, stream, env: self.env.clone() })
    }
}

impl Records {
    /// The kinds that the participant keeps, in their order.
    pub fn kinds(&self) -> &[String] {
        &self.kinds
    }

    /// The next record; `None` when there are no more.
    pub async fn next(&mut self) -> Result<Option<Exported>, Unavailable> {
        let Self { participant, stream, env, .. } = self;
        let next = in_time(env, participant, stream.message()).await?;
        let Some(ExportSubjectDataResponse { kind, record }) = next else { return Ok(None) };
        let Some(record) = record else {
            tracing::warn!(%participant, "exported a record that is none");
            return Err(Unavailable(participant.clone()));
        };
        let record = Record { type_url: record.type_url, value: record.value };
        Ok(Some(Exported { participant: participant.clone(), kind, record }))
    }
}

async fn in_time<T>(
    env: &Env,
    participant: &ServiceName,
    answer: impl Future<Output = Result<T, Status>>,
) -> Result<T, Unavailable> {
    let answer = tokio::select! {
        answer = pin!(answer) => answer,
        () = env.sleep(RECORD_WITHIN) => Err(Status::deadline_exceeded("no record in time")),
    };
    answer.map_err(|status| {
        tracing::warn!(%participant, code = ?status.code(), "data not handed out");
        Unavailable(participant.clone())
    })
}
