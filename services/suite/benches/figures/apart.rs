//! Services that run apart: what a call costs all of their processes and the
//! database together, and how soon a deletion is answered and complete. They
//! have been started by `cargo xtask bench`, which says where they are.

mod deletions;
mod processes;

use std::{net::SocketAddr, path::Path, time::Duration};

use futures_util::future::join_all;
use roster_kernel::UserId;
use roster_proto::{
    identity::v1::{
        GetUserRequest, ListUsersRequest, user_admin_service_client::UserAdminServiceClient,
    },
    session::v1::{LoginRequest, session_service_client::SessionServiceClient},
};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, Statement};
use serde::Deserialize;
use tonic::{Request, metadata::AsciiMetadataValue, transport::Channel};

use crate::{
    apart::processes::{Costs, Processes},
    client,
    effort::Effort,
    measure::{Subject, cpu, median},
    table::{Row, Unit},
    world::{id_of, person},
};

/// Calls at the same time.
const LANES: usize = 8;

/// Users on a page, as in the figures of one process.
const PAGE: i32 = 50;

/// A session's look-up, and an account's: what no `GetUser` goes without.
const READS: [&str; 2] = [
    "SELECT s.id FROM session.session s JOIN session.subject u ON u.user_id = s.user_id \
     WHERE s.user_id = $1 LIMIT 1",
    "SELECT u.id FROM identity.\"user\" u JOIN identity.ledger l ON l.user_id = u.id \
     WHERE u.id = $1",
];

/// Where everything is.
#[derive(Debug, Deserialize)]
pub struct Cluster {
    edges: Vec<SocketAddr>,
    /// The password of the first administrator.
    password: String,
    /// The database, as the services reach it.
    database: String,
    processes: Processes,
}

/// Somebody who calls: an administrator, at every edge in turn.
struct Caller {
    edges: Vec<Channel>,
    token: AsciiMetadataValue,
}

impl Caller {
    async fn sign_in(cluster: &Cluster) -> (Self, UserId) {
        let edges = join_all(cluster.edges.iter().map(|edge| client::connect(*edge))).await;
        let credentials = LoginRequest {
            username: "admin".to_owned(),
            password: cluster.password.clone(),
            ..LoginRequest::default()
        };
        let login = SessionServiceClient::new(edges[0].clone()).login(credentials).await;
        let login = login.unwrap().into_inner();
        let user_id = UserId::parse(&login.session.unwrap().user_id).unwrap();
        (Self { edges, token: client::bearer(&login.token) }, user_id)
    }

    fn users(&self, turn: usize) -> UserAdminServiceClient<Channel> {
        UserAdminServiceClient::new(self.edges[turn % self.edges.len()].clone())
    }

    fn signed<T>(&self, message: T) -> Request<T> {
        client::signed(&self.token, message)
    }

    /// Creates a user.
    async fn create(&self, username: String) -> UserId {
        let created = self.users(0).create_user(self.signed(person(username))).await;
        id_of(created.unwrap().into_inner())
    }
}

/// Measures the services that `cluster`, a file, tells of.
pub async fn measure(effort: &Effort, cluster: &Path) -> Vec<Row> {
    let cluster: Cluster =
        serde_json::from_str(&std::fs::read_to_string(cluster).unwrap()).unwrap();
    let (caller, admin) = Caller::sign_in(&cluster).await;
    let mut options = ConnectOptions::new(cluster.database.clone());
    options.max_connections(u32::try_from(LANES).unwrap()).test_before_acquire(false);
    let database = Database::connect(options).await.unwrap();
    for number in 0..effort.apart_users {
        caller.create(format!("somebody-{number}")).await;
    }
    let mut rows = calls(effort, &cluster.processes, &caller, admin, &database).await;
    rows.extend(deletions::measure(effort, &caller).await);
    rows
}

async fn calls(
    effort: &Effort,
    processes: &Processes,
    caller: &Caller,
    admin: UserId,
    database: &DatabaseConnection,
) -> Vec<Row> {
    let (users, token, strict) = (caller.users(0), caller.token.clone(), !effort.is_quick());
    let get = Subject::new(effort.calls, move || {
        let mut users = users.clone();
        let request = GetUserRequest { user_id: admin.to_string() };
        let request = client::signed(&token, request);
        async move {
            let user = users.get_user(request).await.unwrap().into_inner().user.unwrap();
            // They are left out where they do not come in time.
            let counted = user.statistics.unwrap().persona_count.is_some();
            assert!(counted || !strict, "without counts");
        }
    })
    .lanes(LANES);
    let (users, token) = (caller.users(0), caller.token.clone());
    let list = Subject::new(effort.calls.div_ceil(4), move || {
        let mut users = users.clone();
        let request = ListUsersRequest { page_size: PAGE, ..ListUsersRequest::default() };
        let request = client::signed(&token, request);
        async move {
            assert!(!users.list_users(request).await.unwrap().into_inner().users.is_empty());
        }
    })
    .lanes(LANES);
    let read = reads(effort, database, admin);

    let mut costs = [Vec::new(), Vec::new()];
    let mut floors = Vec::new();
    // One more than counts: the first finds everything cold.
    for _ in 0..=effort.turns {
        let (before, database) = (cpu(), processes.costs().of("postgres"));
        let ops = read.repeat().await;
        floors.push((cpu() - before + processes.costs().of("postgres") - database) / ops);
        for (subject, costs) in [&get, &list].into_iter().zip(&mut costs) {
            let before = processes.costs();
            let ops = subject.repeat().await;
            costs.push(processes.costs().since(&before).each(ops));
        }
    }
    let floor = median(floors[1..].to_vec());
    let [get, list] = costs.map(|costs| Costs::median(&costs[1..]));
    let what = |call: &str| format!("{call}, apart, all processes but the client");
    let mut rows = vec![
        Row::new(what("GetUser"), get.whole(), Unit::CpuMicros).goal(1_000.0),
        Row::new("  as a multiple of what it reads", get.whole(), Unit::CpuMicros)
            .beside(floor, "two bare reads of PostgreSQL, both ends"),
    ];
    rows.extend(get.rows());
    let page = format!("ListUsers, {} users with counts", PAGE.min(shown(effort)));
    rows.push(Row::new(what(&page), list.whole(), Unit::CpuMicros));
    rows.extend(list.rows());
    rows
}

/// How many users there are, the administrator being one.
fn shown(effort: &Effort) -> i32 {
    i32::try_from(effort.apart_users + 1).unwrap()
}

fn reads(effort: &Effort, database: &DatabaseConnection, admin: UserId) -> Subject {
    let database = database.clone();
    Subject::new(effort.calls, move || {
        let database = database.clone();
        async move {
            for sql in READS {
                let backend = database.get_database_backend();
                let read = Statement::from_sql_and_values(backend, sql, [admin.uuid().into()]);
                database.query_one_raw(read).await.unwrap().unwrap();
            }
        }
    })
    .lanes(LANES)
}

/// Milliseconds.
fn millis(elapsed: Duration) -> f64 {
    elapsed.as_secs_f64() * 1e3
}
