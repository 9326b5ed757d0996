//! Signing in, beside the hash that it cannot do without.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use roster_identity::IdentityConfig;
use roster_kernel::{Actor, Caller, Env, Origin};
use roster_proto::session::v1::{LoginRequest, session_service_client::SessionServiceClient};
use roster_server::outgoing;
use tonic::Code;

use crate::{
    bare,
    effort::Effort,
    measure::{Subject, compare},
    seed,
    table::{Row, Unit},
    world::{World, credentials},
};

/// Counts, so that everybody signs in as somebody else, from somewhere else.
type Numbers = Arc<AtomicU32>;

fn next(numbers: &Numbers) -> u32 {
    numbers.fetch_add(1, Ordering::Relaxed) + 1
}

/// Through the edge, with the right password.
fn login(hashes: usize, world: &World, numbers: &Numbers) -> Subject {
    let (channel, numbers) = (world.channel.clone(), Arc::clone(numbers));
    Subject::new(hashes, move || {
        let request = credentials(&format!("user-{}", next(&numbers)));
        let mut client = SessionServiceClient::new(channel.clone());
        async move {
            client.login(request).await.unwrap();
        }
    })
}

/// With credentials that are refused, each time from another address: failures
/// are throttled by it.
fn refused(
    hashes: usize,
    world: &World,
    numbers: &Numbers,
    request: impl Fn(u32) -> LoginRequest + Send + Sync + 'static,
) -> Subject {
    let (session, env, numbers) = (world.upstream("session"), Env::system(), Arc::clone(numbers));
    Subject::new(hashes, move || {
        let number = next(&numbers);
        let address = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 | number));
        let caller = Caller {
            actor: Actor::Anonymous,
            origin: Origin { address: Some(address), ..Origin::default() },
            correlation_id: "bench".to_owned(),
        };
        let request = outgoing(request(number), caller, None, env.now());
        let mut client = SessionServiceClient::new(session.clone());
        async move {
            let refusal = client.login(request).await.unwrap_err();
            assert_eq!(refusal.code(), Code::Unauthenticated, "{refusal:?}");
        }
    })
}

pub async fn measure(effort: &Effort) -> Vec<Row> {
    let cost = IdentityConfig::default().hash_params();
    let world = World::new(cost).await;
    let everybody = (effort.turns + 1) * effort.hashes * 2;
    seed::users(&world, everybody).await;
    let numbers = Numbers::default();
    let wrong = |number| LoginRequest {
        password: "a wrong password".to_owned(),
        ..credentials(&format!("user-{number}"))
    };
    let unknown = |number| credentials(&format!("nobody-{number}"));
    let subjects = [
        bare::hash(effort.hashes, cost),
        login(effort.hashes, &world, &numbers),
        refused(effort.hashes, &world, &numbers, wrong),
        refused(effort.hashes, &world, &Numbers::default(), unknown),
    ];
    let [hash, login, wrong, unknown] = compare(effort.turns, subjects).await;
    world.stop().await;
    let row = |what: &str, figure| Row::new(what, figure, Unit::CpuMicros);
    vec![
        row("Login, through the edge", login).beside(hash, "a bare pooled hash").goal(1.1),
        row("Login, wrong password", wrong).beside(hash, "a bare pooled hash"),
        row("Login, unknown user", unknown).beside(wrong, "a wrong password"),
    ]
}
