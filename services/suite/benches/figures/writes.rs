//! Creating users, beside a commit.

use std::sync::atomic::{AtomicU64, Ordering};

use roster_kernel::Env;
use roster_proto::identity::v1::user_admin_service_client::UserAdminServiceClient;
use roster_server::outgoing;

use crate::{
    bare,
    effort::Effort,
    measure::{Subject, compare},
    table::{Row, Unit},
    world::{World, person},
};

pub async fn measure(effort: &Effort, world: &World) -> Vec<Row> {
    let table = bare::Table::new().await;
    let (identity, caller, env) = (world.upstream("identity"), world.admin.clone(), Env::system());
    let number = AtomicU64::new(0);
    let create = Subject::new(effort.commits, move || {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let message = person(format!("created-{number}"));
        let request = outgoing(message, caller.clone(), None, env.now());
        let mut client = UserAdminServiceClient::new(identity.clone());
        async move {
            client.create_user(request).await.unwrap();
        }
    });
    let [floor, figure] = compare(effort.turns, [table.insert(effort.commits), create]).await;
    let what = "CreateUser, its hash next to nothing";
    vec![Row::new(what, figure, Unit::CpuMicros).beside(floor, "a bare insert, committed")]
}
