//! Valid requests with a few bytes changed, thousands of times.

use prost::Message as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tonic::Code;

use super::{
    cast::{Cast, Who},
    contract::{self, Level},
    fixture::Stage,
    open_world,
    wire::{assert_no_defect, call},
};
use crate::whole::is_distributed;

/// How many mutants of each method's request are sent; fewer where each call goes
/// through three processes.
const MUTANTS: usize = 120;
const MUTANTS_APART: usize = 50;

/// Changes some bytes in one of the ways in which bytes go wrong.
fn mutate(bytes: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    let at = rng.random_range(0..=bytes.len());
    let end = rng.random_range(at..=bytes.len());
    match rng.random_range(0..6) {
        0 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
        1 if at < bytes.len() => bytes[at] = rng.random(),
        2 => bytes.insert(at, rng.random()),
        3 => drop(bytes.drain(at..end)),
        4 => bytes.truncate(at),
        _ => {
            let copy = bytes[at..end].to_vec();
            let to = rng.random_range(0..=bytes.len());
            bytes.splice(to..to, copy);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mutant_of_a_valid_request_is_a_defect() {
    let world = open_world().await;
    let mut rng = ChaCha8Rng::seed_from_u64(2_026);
    let mutants = if is_distributed() { MUTANTS_APART } else { MUTANTS };
    let (mut refused, mut taken) = (0, 0);
    for (number, method) in contract::implemented_methods().iter().enumerate() {
        let name = contract::name(method);
        let who = if contract::level(method) == Level::Admin { Who::Admin } else { Who::User };
        let mut casts = 0;
        let mut cast = Cast::new(&world, &format!("y{number}")).await;
        let valid = Stage { world: &world, cast: &cast, who }.fixture(method).await.request;
        for _ in 0..mutants {
            let mut bytes = valid.encode_to_vec();
            for _ in 0..rng.random_range(1..=4) {
                mutate(&mut bytes, &mut rng);
            }
            let Err(status) = call(cast.client(who), method, bytes.clone().into()).await else {
                taken += 1;
                continue;
            };
            assert_no_defect(&status, &format!("{name}: {bytes:02x?}"));
            refused += 1;
            if status.code() == Code::Unauthenticated {
                // The mutant before was good enough to end the session.
                casts += 1;
                cast = Cast::new(&world, &format!("y{number}.{casts}")).await;
            }
        }
    }
    assert!(refused + taken >= 2_500, "only {}", refused + taken);
    assert!(refused > 500 && taken > 50, "{refused} refused, {taken} taken");
}
