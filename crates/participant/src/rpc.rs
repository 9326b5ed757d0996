//! `subject.v1.SubjectDataService`: how much a service keeps of a user, and
//! what.

use std::{collections::HashMap, fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream::BoxStream};
use prost_types::Any;
use roster_db::Db;
use roster_kernel::{Env, UserId};
use roster_proto::subject::v1::{
    CountSubjectDataRequest, CountSubjectDataResponse, ExportSubjectDataRequest,
    ExportSubjectDataResponse, KindCount, KnownSubject, ListSubjectsRequest, ListSubjectsResponse,
    SubjectCounts, SumSubjectDataRequest, SumSubjectDataResponse,
    subject_data_service_server::SubjectDataService,
};
use roster_server::{Refusal, Violations};
use tonic::{Request, Response, Status};

use crate::{SubjectData, Version, export::export, subjects};

/// How many users make a page of the list unless asked otherwise, and at the
/// most.
const LIST_PAGE: (u64, u64) = (500, 1_000);

/// The most users that one call counts for.
const MOST_USERS: usize = 1_000;

/// The service's answer to what it keeps.
pub struct SubjectDataRpc<D: SubjectData> {
    db: Db,
    env: Env,
    data: Arc<D>,
    encode: fn(D::Item) -> Any,
}

impl<D: SubjectData> fmt::Debug for SubjectDataRpc<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubjectDataRpc").finish_non_exhaustive()
    }
}

impl<D: SubjectData> SubjectDataRpc<D> {
    pub(crate) const fn new(db: Db, env: Env, data: Arc<D>, encode: fn(D::Item) -> Any) -> Self {
        Self { db, env, data, encode }
    }

    /// One entry for each kind, whether there is any of it or not.
    fn counts(&self, of: impl Fn(&'static str) -> Option<i64>) -> Vec<KindCount> {
        let kinds = self.data.kinds().iter();
        let counts =
            kinds.map(|kind| KindCount { kind: (*kind).to_owned(), count: of(kind).unwrap_or(0) });
        counts.collect()
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
            counts: self.counts(|kind| counted.get(&(*user, kind)).copied()),
        });
        Ok(Response::new(CountSubjectDataResponse { subjects: subjects.collect() }))
    }

    async fn sum_subject_data(
        &self,
        _request: Request<SumSubjectDataRequest>,
    ) -> Result<Response<SumSubjectDataResponse>, Status> {
        let summed = self.data.sum(self.db.read(), self.env.now()).await.map_err(Refusal::from)?;
        let summed: HashMap<_, _> = summed.into_iter().collect();
        let counts = self.counts(|kind| summed.get(kind).copied());
        Ok(Response::new(SumSubjectDataResponse { counts }))
    }

    type ExportSubjectDataStream = BoxStream<'static, Result<ExportSubjectDataResponse, Status>>;

    async fn export_subject_data(
        &self,
        request: Request<ExportSubjectDataRequest>,
    ) -> Result<Response<Self::ExportSubjectDataStream>, Status> {
        let user_id = UserId::parse(&request.get_ref().user_id)
            .map_err(|error| Refusal::invalid("user_id", error))?;
        let encode = self.encode;
        let records = export(self.db.clone(), Arc::clone(&self.data), user_id);
        let records = records.map(move |next| match next {
            Ok((kind, item)) => {
                Ok(ExportSubjectDataResponse { kind: kind.to_owned(), record: Some(encode(item)) })
            }
            Err(error) => Err(Refusal::from(error).into()),
        });
        Ok(Response::new(records.boxed()))
    }

    async fn list_subjects(
        &self,
        request: Request<ListSubjectsRequest>,
    ) -> Result<Response<ListSubjectsResponse>, Status> {
        let (after, limit) = list_place(&request.into_inner())?;
        let known = subjects::list(self.db.read(), after, limit).await.map_err(Refusal::from)?;
        let subjects = known.into_iter().map(|subject| KnownSubject {
            user_id: subject.user_id.to_string(),
            state: (subject.version != Version::default()).then(|| subject.into()),
        });
        Ok(Response::new(ListSubjectsResponse { subjects: subjects.collect() }))
    }
}

fn list_place(request: &ListSubjectsRequest) -> Result<(Option<UserId>, u64), Refusal> {
    let mut violations = Violations::new();
    let after = Some(&request.after_user_id).filter(|id| !id.is_empty());
    let after = after.and_then(|id| violations.field("after_user_id", UserId::parse(id)));
    let (default, most) = LIST_PAGE;
    let size = u64::try_from(request.page_size).map_err(|_| "must not be negative");
    let limit = match violations.field("page_size", size) {
        None | Some(0) => default,
        Some(size) => size.min(most),
    };
    violations.finish()?;
    Ok((after, limit))
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
