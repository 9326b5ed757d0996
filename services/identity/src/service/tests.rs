//! The service in a flood: with its threads held, so that what waits and what
//! is refused does not depend on how fast a machine hashes.

use std::{sync::mpsc, time::Duration};

use roster_events::InProcessBus;
use roster_kernel::{Actor, Caller, Origin, SessionId, UserActor, UserId};
use roster_proto::identity::v1::{
    CreateUserRequest, GetUserRequest, ListSubjectStatesRequest, ListUsersRequest,
    VerifyPasswordRequest, credential_service_client::CredentialServiceClient,
    subject_ledger_service_client::SubjectLedgerServiceClient,
    user_admin_service_client::UserAdminServiceClient,
};
use roster_server::{AccessTable, metrics::Metrics};
use roster_testkit::{TempDb, eventually};
use tokio::{sync::oneshot, task::JoinSet};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use super::*;
use crate::{Migrator, PasswordConfig, hashing::Lane};

const PASSWORD: &str = "correct horse";
const THREADS: usize = 2;
const QUEUE: usize = 16;
const HASH: HashParams = HashParams { memory_kib: 64, iterations: 1, lanes: 1 };

fn built(temp: &TempDb, env: &Env, tasks: &Tasks, metrics: &Metrics) -> Service {
    let access = AccessTable::new(roster_proto::FILE_DESCRIPTOR_SET).unwrap();
    let password =
        PasswordConfig { hash_threads: THREADS, hash_queue: QUEUE, ..PasswordConfig::default() };
    let deps = Deps {
        db: temp.db.clone(),
        bus: Arc::new(InProcessBus::new(env.clone())),
        env: env.clone(),
        page_tokens: Arc::new(PageTokens::new([1; 32])),
        fingerprints: FingerprintKey::new([2; 32]),
        tasks: tasks.clone(),
        stack: ServiceStack::new(access, env.clone()),
        keyring: Arc::new(Keyring::new(1, [(1, [1; 32].into())]).unwrap()),
        meters: metrics.meters().clone(),
        draining: CancellationToken::new(),
        hash_params: HASH,
        participants: Vec::new(),
        ways: Ways::none(),
    };
    build(&IdentityConfig { password, ..IdentityConfig::default() }, deps).unwrap()
}

/// Holds all threads until the senders are dropped.
async fn hold(service: &Service, tasks: &Tasks) -> Vec<mpsc::Sender<()>> {
    let mut held = Vec::new();
    for _ in 0..THREADS {
        let (release, released) = mpsc::channel::<()>();
        let (begun, beginning) = oneshot::channel();
        let cx = Arc::clone(&service.cx);
        tasks.spawn("held", async move {
            let job = move |_: &mut _| {
                begun.send(()).unwrap();
                let _ = released.recv();
            };
            cx.hasher.pool().run(Lane::Public, job).await.unwrap();
        });
        beginning.await.unwrap();
        held.push(release);
    }
    held
}

fn says<T>(actor: &Actor, message: T) -> Request<T> {
    let caller =
        Caller { actor: actor.clone(), origin: Origin::default(), correlation_id: String::new() };
    let mut request = Request::new(message);
    request.extensions_mut().insert(caller);
    request
}

async fn verify(routes: Routes) -> Result<(), Status> {
    let message =
        VerifyPasswordRequest { username: "root".to_owned(), password: PASSWORD.to_owned() };
    let peer = Actor::Service(ServiceName::from_static("session"));
    CredentialServiceClient::new(routes).verify_password(says(&peer, message)).await.map(drop)
}

async fn root(service: &Service, env: &Env) -> Actor {
    service.ensure_first_admin("root", Some(PASSWORD.into())).await.unwrap();
    let peer = Actor::Service(ServiceName::from_static("session"));
    let request = says(&peer, ListSubjectStatesRequest::default());
    let mut ledger = SubjectLedgerServiceClient::new(service.routes.clone());
    let states = ledger.list_subject_states(request).await.unwrap().into_inner().states;
    Actor::User(UserActor {
        user_id: UserId::parse(&states[0].user_id).unwrap(),
        session_id: SessionId::generate(env),
        is_admin: true,
        password_change_required: false,
    })
}

/// Fails where a scrape does not find `line`.
#[track_caller]
fn shows(metrics: &Metrics, line: &str) {
    let scrape = metrics.scraper().text().unwrap();
    assert!(scrape.lines().any(|it| it == line), "{line}: {scrape}");
}

#[tokio::test]
async fn in_a_flood_of_logins_the_rest_goes_on_and_memory_is_bounded() {
    let (clock, env) = roster_testkit::env(1);
    let (temp, tasks) = (TempDb::new::<Migrator>().await, Tasks::new());
    let metrics = Metrics::new(None).unwrap();
    let service = built(&temp, &env, &tasks, &metrics);
    let root = root(&service, &env).await;
    let mut admin = UserAdminServiceClient::new(service.routes.clone());
    let held = hold(&service, &tasks).await;

    let mut flood = JoinSet::new();
    for _ in 0..3 * QUEUE {
        flood.spawn(verify(service.routes.clone()));
    }
    // What does not fit is refused while nothing at all is computed.
    for _ in 0..2 * QUEUE {
        let refused = flood.join_next().await.unwrap().unwrap().unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert_eq!(refused.get_details_error_info().unwrap().reason, "HASH_QUEUE_FULL");
        assert!(refused.get_details_retry_info().unwrap().retry_delay.is_some());
    }
    assert_eq!(service.hashes_waiting(), QUEUE);
    shows(&metrics, &format!("roster_hash_queue_length {QUEUE}"));
    shows(&metrics, &format!("roster_hash_refused_total {}", 2 * QUEUE));

    // Calls without a hash do not notice; one with a hash finds room.
    let listed = admin.list_users(says(&root, ListUsersRequest::default())).await.unwrap();
    let user_id = listed.into_inner().users[0].user_id.clone();
    admin.get_user(says(&root, GetUserRequest { user_id })).await.unwrap();
    let request = CreateUserRequest {
        username: "alice".to_owned(),
        display_name: "Alice".to_owned(),
        password: PASSWORD.to_owned(),
        ..CreateUserRequest::default()
    };
    let mut creating = std::pin::pin!(admin.create_user(says(&root, request)));
    let mut waits = std::pin::pin!(eventually(async || service.hashes_waiting() == QUEUE + 1));
    tokio::select! {
        created = &mut creating => panic!("without a hash: {created:?}"),
        () = &mut waits => {}
    }

    drop(held);
    creating.await.unwrap();
    for answer in flood.join_all().await {
        answer.unwrap();
    }
    // The threads' memory, and no more, however many came; and none of it
    // once nobody comes any more.
    let idle = || service.hash_statistics().idle_bytes;
    eventually(async || idle() > 0).await;
    assert!(idle() <= THREADS * 64 * 1_024, "{}", idle());
    let freed = async || {
        clock.advance(Duration::from_secs(1));
        idle() == 0
    };
    eventually(freed).await;
    tasks.shutdown().await;
    assert_eq!(service.hash_statistics().refused, 2 * QUEUE as u64);
    assert_eq!(service.hashes_waiting(), 0);
    shows(&metrics, "roster_hash_queue_length 0");
}
