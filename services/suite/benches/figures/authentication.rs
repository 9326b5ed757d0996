//! Whom a token stands for, beside reading the row.

use roster_db::{Db, DbConfig};
use roster_kernel::{Caller, Env, ServiceName};
use roster_proto::session::v1::{
    AuthenticateRequest, authentication_service_client::AuthenticationServiceClient,
};
use roster_server::outgoing;
use sea_orm::{ConnectionTrait as _, DatabaseBackend, Statement};

use crate::{
    bare,
    effort::Effort,
    measure::{Subject, compare},
    table::{Row, Unit},
    world::World,
};

/// How many calls are on their way at the same time, where there are several.
pub const LANES: usize = 8;

/// The edge, as the session service knows it.
pub const GATEWAY: ServiceName = ServiceName::from_static("gateway");

/// Finds a session by its token, and reads what a caller is made of.
const READ: &str = "SELECT id, user_id, expires_at, last_seen_at FROM session WHERE token_hash = ?";

/// Asks the session service whom the administrator's token stands for, as the
/// edge asks it.
fn authenticate(calls: usize, world: &World) -> Subject {
    let (session, env) = (world.upstream("session"), Env::system());
    let token = world.plain_token.clone();
    Subject::new(calls, move || {
        let mut client = AuthenticationServiceClient::new(session.clone());
        let message = AuthenticateRequest { token: token.clone() };
        let request = outgoing(message, Caller::service(GATEWAY), None, env.now());
        async move {
            client.authenticate(request).await.unwrap();
        }
    })
}

pub async fn measure(effort: &Effort, world: &World) -> Vec<Row> {
    let db = Db::open(&DbConfig::new(world.database("session"))).await.unwrap();
    let newest = "SELECT token_hash FROM session ORDER BY created_at DESC, id DESC LIMIT 1";
    let newest = Statement::from_string(DatabaseBackend::Sqlite, newest);
    let newest = db.read().query_one_raw(newest).await.unwrap().unwrap();
    let key: Vec<u8> = newest.try_get("", "token_hash").unwrap();
    let mut rows = Vec::new();
    for lanes in [1, LANES] {
        let read = bare::read(effort.calls, &db, READ, key.clone());
        let each = [read, authenticate(effort.calls, world)].map(|it| it.lanes(lanes));
        let [floor, figure] = compare(effort.turns, each).await;
        let what = format!("Authenticate, as the edge calls it, {lanes} at once");
        let row = Row::new(what, figure, Unit::CpuMicros);
        rows.push(row.beside(floor, "a bare indexed read").goal(1.5));
    }
    db.close().await.unwrap();
    rows
}
