//! `subject.v1.SubjectDataService`: how much a service keeps of a user.

use std::{collections::HashMap, fmt, pin::Pin, sync::Arc};

use async_trait::async_trait;
use roster_db::Db;
use roster_kernel::{Env, UserId};
use roster_proto::subject::v1::{
    CountSubjectDataRequest, CountSubjectDataResponse, ExportSubjectDataRequest,
    ExportSubjectDataResponse, KindCount, SubjectCounts, SumSubjectDataRequest,
    SumSubjectDataResponse, subject_data_service_server::SubjectDataService,
};
use roster_server::{Refusal, Violations};
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use crate::SubjectData;

/// The most users that one call counts for.
const MOST_USERS: usize = 1_000;

/// The service's answer to what it keeps.
pub struct SubjectDataRpc<D> {
    db: Db,
    env: Env,
    data: Arc<D>,
}

impl<D> fmt::Debug for SubjectDataRpc<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubjectDataRpc").finish_non_exhaustive()
    }
}

impl<D> SubjectDataRpc<D> {
    pub(crate) const fn new(db: Db, env: Env, data: Arc<D>) -> Self {
        Self { db, env, data }
    }
}

#[async_trait]
impl<D: SubjectData> SubjectDataService for SubjectDataRpc<D> {
    async fn count_subject_data(
        &self,
        request: Request<CountSubjectDataRequest>,
    ) -> Result<Response<CountSubjectDataResponse>, Status> {
        let users = user_ids(&request.into_inner().user_ids)?;
        let counted =
            self.data.count(self.db.read(), &users, self.env.now()).await.map_err(Refusal::from)?;
        let counted: HashMap<_, _> =
            counted.into_iter().map(|(user, kind, count)| ((user, kind), count)).collect();
        let subjects = users.iter().map(|user| SubjectCounts {
            user_id: user.to_string(),
            counts: self
                .data
                .kinds()
                .iter()
                .map(|kind| KindCount {
                    kind: (*kind).to_owned(),
                    count: counted.get(&(*user, *kind)).copied().unwrap_or(0),
                })
                .collect(),
        });
        Ok(Response::new(CountSubjectDataResponse { subjects: subjects.collect() }))
    }

    async fn sum_subject_data(
        &self,
        _request: Request<SumSubjectDataRequest>,
    ) -> Result<Response<SumSubjectDataResponse>, Status> {
        Err(Refusal::not_implemented().into())
    }

    type ExportSubjectDataStream =
        Pin<Box<dyn Stream<Item = Result<ExportSubjectDataResponse, Status>> + Send>>;

    async fn export_subject_data(
        &self,
        _request: Request<ExportSubjectDataRequest>,
    ) -> Result<Response<Self::ExportSubjectDataStream>, Status> {
        Err(Refusal::not_implemented().into())
    }
}

fn user_ids(texts: &[String]) -> Result<Vec<UserId>, Refusal> {
    let mut violations = Violations::new();
    if !(1..=MOST_USERS).contains(&texts.len()) {
        violations.add("user_ids", "must hold 1 to 1,000 ids");
    }
    let users = texts
        .iter()
        .enumerate()
        .filter_map(|(index, text)| {
            violations.field(&format!("user_ids[{index}]"), UserId::parse(text))
        })
        .collect();
    violations.finish()?;
    Ok(users)
}
