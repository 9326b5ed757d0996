//! The process from outside: how soon it serves, and how much memory it holds.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use roster_kernel::Env;
use roster_proto::{
    identity::v1::{
        GetProfileRequest, GetSettingsRequest, account_service_client::AccountServiceClient,
    },
    session::v1::session_service_client::SessionServiceClient,
};
use tonic::{metadata::AsciiMetadataValue, transport::Channel};

use crate::{
    client,
    effort::Effort,
    flood::Flooded,
    measure::median,
    process::Process,
    seed, silent,
    table::{Row, Unit},
    world::{CHEAP, World, credentials},
};

/// Calls at the same time.
const LANES: usize = 16;

/// How long the process is left alone before it counts as idle: longer than
/// the threads that hash keep their memory without work.
const REST: Duration = Duration::from_secs(12);

/// Milliseconds from exec to the first answer.
async fn serving(data_dir: &Path) -> f64 {
    let begun = Instant::now();
    let process = Process::start(data_dir);
    let channel = client::connect(process.address).await;
    AccountServiceClient::new(channel).get_settings(GetSettingsRequest {}).await.unwrap();
    let elapsed = begun.elapsed();
    process.stop();
    elapsed.as_secs_f64() * 1e3
}

async fn calls(channel: &Channel, token: &AsciiMetadataValue, calls: usize) {
    let each = calls.div_ceil(LANES);
    join_all((0..LANES).map(|_| async {
        let mut client = AccountServiceClient::new(channel.clone());
        for _ in 0..each {
            client.get_profile(client::signed(token, GetProfileRequest {})).await.unwrap();
        }
    }))
    .await;
}

pub async fn measure(effort: &Effort) -> Vec<Row> {
    let world = World::new(CHEAP).await;
    seed::users(&world, effort.few_users).await;
    let folder = world.stop().await;
    let data_dir = folder.path().join("data");
    let mut starts = Vec::new();
    for _ in 0..=effort.starts {
        starts.push(serving(&data_dir).await);
    }
    let start = median(starts[1..].to_vec());

    let rest = if effort.starts > 1 { REST } else { Duration::ZERO };
    let process = Process::start(&data_dir);
    let channel = client::connect(process.address).await;
    AccountServiceClient::new(channel.clone()).get_settings(GetSettingsRequest {}).await.unwrap();
    Env::system().sleep(rest).await;
    let idle = process.resident();
    let login = SessionServiceClient::new(channel.clone()).login(credentials("admin")).await;
    let token = client::bearer(&login.unwrap().into_inner().token);
    calls(&channel, &token, effort.process_calls).await;
    let after_calls = process.resident();
    Env::system().sleep(rest).await;
    let after_calls_idle = process.resident();
    let flooded = Flooded { process: &process, channel, token, logins: effort.flood };
    let in_flood = flooded.measure(after_calls_idle).await;
    Env::system().sleep(rest).await;
    let after_flood_idle = process.resident();
    let silent = silent::measure(&process, effort.silent).await;
    process.stop();
    let memory = |when: String, mebibytes| {
        Row::new(format!("resident memory, {when}"), mebibytes, Unit::Mebibytes)
    };
    let calls = effort.process_calls;
    let mut rows = vec![
        Row::new("exec to serving, an existing data directory", start, Unit::Millis).goal(300.0),
        memory("idle".to_owned(), idle).goal(40.0),
        memory(format!("after {calls} calls"), after_calls),
        memory(format!("idle after {calls} calls"), after_calls_idle).goal(40.0),
    ];
    rows.extend(in_flood);
    rows.push(memory("idle after a login flood".to_owned(), after_flood_idle).goal(40.0));
    rows.extend(silent);
    rows
}
