//! A new start of every process in turn, while everybody calls.

use std::{
    collections::BTreeMap,
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
    answered: Acknowledged,
}

impl Caller {
    fn new(number: usize, way: Transport, token: Bearer, answered: Acknowledged) -> Self {
        Self { number, way, token, answers: BTreeMap::new(), answered }
    }

    /// Calls, and notes the answer, which has to be a good one. A call that was
    /// not accepted, for want of room, is made again.
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
            match call(client.clone(), request).await {
                Ok(answer) => break answer.into_inner(),
                Err(status) if status.code() == Code::ResourceExhausted => kill::rest().await,
                Err(status) => panic!("{method} after {:?}: {status:?}", begun.elapsed()),
            }
        };
        let (count, longest) = self.answers.entry(method).or_default();
        *count += 1;
        *longest = begun.elapsed().max(*longest);
        self.answered.send_modify(|count| *count += 1);
        answer
    }

    /// The life of a user, from the first call to the last, again and again.
    async fn call_until(&mut self, stop: &CancellationToken) {
        let users = UserAdminServiceClient::with_interceptor(self.way.clone(), self.token.clone());
        let sessions = SessionServiceClient::new(self.way.clone());
        for life in 0_u32.. {
            if stop.is_cancelled() {
                return;
            }
            let username = format!("user-{}-{life}", self.number);
            let create = CreateUserRequest { username: username.clone(), ..person() };
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

/// Waits until there have been so many more answers, or there will be none.
async fn answers(answered: &Acknowledged, more: u64, stop: &CancellationToken) {
    let enough = *answered.borrow() + more;
    let enough = async || stop.is_cancelled() || *answered.borrow() >= enough;
    until("calls are answered", enough).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a dozen processes for some minutes: cargo xtask chaos"]
async fn a_rolling_restart_fails_no_call() {
    let begun = Instant::now();
    let mut installation = Installation::start().await;
    let admin = installation.edges().await.swap_remove(0).admin;
    let token = Bearer::new(admin.token());
    let (answered, stop) = (Acknowledged::default(), CancellationToken::new());
    let mut calling = JoinSet::new();
    for number in 0..CLIENTS {
        let way = Edges::new(installation.edge_addresses()).transport();
        let mut caller = Caller::new(number, way, token.clone(), answered.clone());
        let stop = stop.clone();
        calling.spawn(async move {
            // One that fails ends the test at once, and not the others first.
            let _all = stop.clone().drop_guard();
            caller.call_until(&stop).await;
            caller.answers
        });
    }
    let mut restarts = 0;
    for who in Who::all() {
        if let Who::Service(service, replica) = who
            && !stop.is_cancelled()
        {
            answers(&answered, BETWEEN, &stop).await;
            installation.restart(service, replica).await;
            answers(&answered, BETWEEN, &stop).await;
            restarts += 1;
        }
    }
    stop.cancel();
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
