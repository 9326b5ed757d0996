//! A new start of every process in turn, while everybody calls. Only the
//! database is missed while it is away: calls that want it are refused.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use roster_proto::{
    identity::v1::{
        CreateUserRequest, DeleteUserRequest, GetUserRequest,
        user_admin_service_client::UserAdminServiceClient,
    },
    session::v1::{LoginRequest, session_service_client::SessionServiceClient},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;

use super::{
    PATIENCE,
    edges::{Edges, Transport},
    installation::{Installation, Who},
    until,
};
use crate::{
    client::Bearer,
    kill::{self, Acknowledged, tell},
    world::{PASSWORD, person},
};

const CLIENTS: usize = 6;

/// How many answers there are before a process is told to end, and after it is
/// back.
const BETWEEN: u64 = 30;

/// Somebody who calls, and whom every call has to be answered.
struct Caller {
    number: usize,
    way: Transport,
    token: Bearer,
    /// How often each method was called, and the longest that it took.
    answers: BTreeMap<&'static str, (u32, Duration)>,
    progress: Progress,
}

/// What the callers and who restarts the processes tell each other.
#[derive(Clone, Default)]
struct Progress {
    answered: Acknowledged,
    /// Whether there is no database at the moment: there is one of it, and
    /// without it calls are refused.
    without_database: Arc<AtomicBool>,
    /// Calls end with the test.
    stop: CancellationToken,
}

impl Progress {
    fn is_without_database(&self) -> bool {
        self.without_database.load(Ordering::SeqCst)
    }

    /// Waits until there have been some more answers, or there will be none.
    async fn go_on(&self) {
        let enough = *self.answered.borrow() + BETWEEN;
        let enough = async || self.stop.is_cancelled() || *self.answered.borrow() >= enough;
        until("calls are answered", enough).await;
    }
}

/// Whether Roster itself says that it could not be done at the moment.
fn is_refused(status: &Status) -> bool {
    status.code() == Code::Unavailable && status.get_error_details().error_info().is_some()
}

impl Caller {
    fn new(number: usize, way: Transport, token: Bearer, progress: Progress) -> Self {
        Self { number, way, token, answers: BTreeMap::new(), progress }
    }

    /// Calls, and notes the answer, which has to be a good one. A call that was
    /// not accepted, for want of room or of a database, is made again.
    async fn call<C: Clone, Q: Clone, A, F>(
        &mut self,
        method: &'static str,
        (client, request): (&C, Q),
        call: impl Fn(C, Request<Q>) -> F,
    ) -> A
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let begun = Instant::now();
        let answer = loop {
            // A deletion waits for its effect for as long as its caller does.
            let mut request = Request::new(request.clone());
            request.set_timeout(PATIENCE);
            let without = self.progress.is_without_database();
            match call(client.clone(), request).await {
                Ok(answer) => break answer.into_inner(),
                Err(status) if status.code() == Code::ResourceExhausted => kill::rest().await,
                Err(status)
                    if is_refused(&status) && (without || self.progress.is_without_database()) =>
                {
                    kill::rest().await;
                }
                Err(status) => panic!("{method} after {:?}: {status:?}", begun.elapsed()),
            }
        };
        let (count, longest) = self.answers.entry(method).or_default();
        *count += 1;
        *longest = begun.elapsed().max(*longest);
        self.progress.answered.send_modify(|count| *count += 1);
        answer
    }

    /// The life of a user, from the first call to the last, again and again.
    async fn call_until_stopped(&mut self) {
        let users = UserAdminServiceClient::with_interceptor(self.way.clone(), self.token.clone());
        let sessions = SessionServiceClient::new(self.way.clone());
        for life in 0_u32.. {
            if self.progress.stop.is_cancelled() {
                return;
            }
            let username = format!("user-{}-{life}", self.number);
            let create = CreateUserRequest {
                username: username.clone(),
                // Made again, it creates nobody else.
                request_id: format!("{life:08x}-0000-4000-8000-{:012x}", self.number),
                ..person()
            };
            let created = self
                .call("CreateUser", (&users, create), |mut client, request| async move {
                    client.create_user(request).await
                })
                .await;
            let user_id = created.user.unwrap().user_id;
            let login =
                LoginRequest { username, password: PASSWORD.to_owned(), ..Default::default() };
            self.call("Login", (&sessions, login), |mut client, request| async move {
                client.login(request).await
            })
            .await;
            for _ in 0..10 {
                let get = GetUserRequest { user_id: user_id.clone() };
                self.call("GetUser", (&users, get), |mut client, request| async move {
                    client.get_user(request).await
                })
                .await;
            }
            let delete = DeleteUserRequest { user_id, ..DeleteUserRequest::default() };
            self.call("DeleteUser", (&users, delete), |mut client, request| async move {
                client.delete_user(request).await
            })
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a dozen processes for some minutes: cargo xtask chaos"]
async fn a_rolling_restart_fails_no_call_that_was_accepted() {
    let begun = Instant::now();
    let mut installation = Installation::start().await;
    let admin = installation.edges().await.swap_remove(0).admin;
    let token = Bearer::new(admin.token());
    let (progress, mut calling) = (Progress::default(), JoinSet::new());
    for number in 0..CLIENTS {
        let way = Edges::new(installation.edge_addresses()).transport();
        let mut caller = Caller::new(number, way, token.clone(), progress.clone());
        calling.spawn(async move {
            // One that fails ends the test at once, and not the others first.
            let _all = caller.progress.stop.clone().drop_guard();
            caller.call_until_stopped().await;
            caller.answers
        });
    }
    let mut restarts = 0;
    for who in Who::all() {
        if !progress.stop.is_cancelled() {
            progress.go_on().await;
            progress.without_database.store(who == Who::Postgres, Ordering::SeqCst);
            installation.restart(who).await;
            progress.without_database.store(false, Ordering::SeqCst);
            progress.go_on().await;
            restarts += 1;
        }
    }
    progress.stop.cancel();
    let mut all = BTreeMap::<_, (u32, Duration)>::new();
    for answers in calling.join_all().await {
        for (method, (count, longest)) in answers {
            let sum = all.entry(method).or_default();
            *sum = (sum.0 + count, sum.1.max(longest));
        }
    }
    let elapsed = begun.elapsed();
    tell(&format!(
        "{restarts} restarts, calls and the longest of each: {all:?}; {elapsed:?} in all"
    ));
}
