//! Guessing, and what a stranger can do to others by it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use roster_participant::State;
use roster_proto::session::v1::LoginRequest;
use roster_server::Refusal;
use roster_session::{LoginConfig, SessionConfig};
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::world::{World, credentials, reason, somebody_at};

const HOUR: Duration = Duration::from_hours(1);

fn guess(username: &str) -> LoginRequest {
    LoginRequest { password: "a guess".to_owned(), ..credentials(username) }
}

impl World {
    /// Guesses once; answers the reason of the refusal.
    async fn guess_from(&self, address: &str, username: &str) -> String {
        let caller = somebody_at(address);
        reason(&self.try_log_in(&caller, guess(username)).await.unwrap_err())
    }

    /// How often identity has been asked whether a password is right.
    fn asked(&self) -> usize {
        self.identity.asked.lock().unwrap().len()
    }

    /// Tries the right password; answers how long to wait where that is
    /// refused.
    async fn wait_from(&self, address: &str, username: &str) -> Option<Duration> {
        let answer = self.try_log_in(&somebody_at(address), credentials(username)).await;
        answer.err().map(|status| throttled(&status))
    }
}

/// How long to wait.
fn throttled(status: &Status) -> Duration {
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    assert_eq!(reason(status), "LOGIN_THROTTLED");
    status.get_details_retry_info().unwrap().retry_delay.unwrap()
}

#[tokio::test]
async fn who_mistypes_waits_a_little_and_who_guesses_waits_long() {
    let world = World::new().await;
    world.user("ann");
    for _ in 0..10 {
        assert_eq!(world.guess_from("192.0.2.1", "ann").await, "INVALID_CREDENTIALS");
    }
    world.log_in("ann").await;
    // A success makes a new beginning, for this account at this address.
    for _ in 0..11 {
        assert_eq!(world.guess_from("192.0.2.1", "ann").await, "INVALID_CREDENTIALS");
    }
    // Meanwhile one failure is forgotten every quarter of an hour.
    for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 512, 900] {
        let asked = world.asked();
        assert_eq!(world.wait_from("192.0.2.1", "ann").await, Some(Duration::from_secs(wait)));
        assert_eq!(world.asked(), asked, "no password is looked at");
        world.advance(Duration::from_secs(wait));
        assert_eq!(world.guess_from("192.0.2.1", "ann").await, "INVALID_CREDENTIALS");
    }
    world.advance(Duration::from_mins(15));
    world.log_in("ann").await;
}

#[tokio::test]
async fn strangers_cannot_keep_a_user_out_of_where_they_usually_sign_in() {
    let world = World::new().await;
    world.signed_in("ann").await;
    // Somebody with many addresses, and somebody at ann's who tries others.
    for number in 0..100 {
        world.guess_from(&format!("198.51.100.{number}"), "ann").await;
        world.guess_from("192.0.2.1", &format!("somebody{number}")).await;
    }
    assert!(world.wait_from("203.0.113.1", "ann").await.is_some(), "a new address has to wait");
    assert_eq!(world.guess_from("192.0.2.1", "ben").await, "LOGIN_THROTTLED");
    world.log_in("ann").await;
    // At her address she can mistype as often as ever, and not more often.
    for _ in 0..11 {
        assert_eq!(world.guess_from("192.0.2.1", "ann").await, "INVALID_CREDENTIALS");
    }
    assert_eq!(world.guess_from("192.0.2.1", "ann").await, "LOGIN_THROTTLED");
}

#[tokio::test]
async fn an_address_is_forgotten_that_nobody_has_signed_in_from_for_long() {
    let world = World::new().await;
    world.signed_in("ann").await;
    world.advance(Duration::from_hours(24 * 89));
    world.log_in("ann").await;
    world.advance(Duration::from_hours(24 * 91));
    for number in 0..21 {
        world.guess_from(&format!("198.51.100.{number}"), "ann").await;
    }
    assert_eq!(world.wait_from("192.0.2.1", "ann").await, Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn strangers_fail_a_hundred_times_at_one_account_and_then_four_times_a_day() {
    let world = World::new().await;
    world.signed_in("ann").await;
    let asked = world.asked();
    let begun = world.env.now();
    // As often as possible, each time from another network.
    for number in 0_u32.. {
        let address = format!("2001:db8:{:x}:{:x}::1", number >> 16, number & 0xffff);
        let caller = somebody_at(&address);
        let status = world.try_log_in(&caller, guess("ann")).await.unwrap_err();
        if reason(&status) == "LOGIN_THROTTLED" {
            world.advance(throttled(&status));
        }
        if world.env.now() - begun > chrono::TimeDelta::days(30) {
            break;
        }
    }
    let guesses = world.asked() - asked;
    assert!((150..=100 + 30 * 4 + 1).contains(&guesses), "{guesses}");
    world.log_in("ann").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guesses_at_the_same_moment_do_not_all_pass() {
    let world = Arc::new(World::new().await);
    world.user("ann");
    let mut guesses = JoinSet::new();
    for _ in 0..48 {
        let world = Arc::clone(&world);
        guesses.spawn(async move { world.guess_from("192.0.2.1", "ann").await });
    }
    let mut answers = BTreeMap::<_, usize>::new();
    for answer in guesses.join_all().await {
        *answers.entry(answer).or_default() += 1;
    }
    assert_eq!(world.asked(), 11);
    assert_eq!((answers["INVALID_CREDENTIALS"], answers["LOGIN_THROTTLED"]), (11, 37));
}

#[tokio::test]
async fn one_network_tries_fifty_accounts_and_not_all() {
    let world = World::new().await;
    world.user("ben");
    for number in 0..200 {
        let address = format!("2001:db8::{number:x}");
        world.guess_from(&address, &format!("user{number}")).await;
        // An account of one's own does not pay for others.
        if number % 10 == 0 {
            let _ = world.try_log_in(&somebody_at(&address), credentials("ben")).await;
        }
    }
    let mine = world.rows().await;
    assert_eq!(world.asked() - usize::try_from(mine).unwrap(), 51);
    assert_eq!(world.guess_from("2001:db8:0:1::1", "ben").await, "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn spellings_of_a_name_are_not_counted_apart() {
    let world = World::new().await;
    world.user("alice");
    for spelling in
        ["alice", "Alice", "ALICE", "aLICE", "ＡＬＩＣＥ", "Ａlice"].iter().cycle().take(11)
    {
        assert_eq!(world.guess_from("192.0.2.1", spelling).await, "INVALID_CREDENTIALS");
    }
    assert_eq!(world.guess_from("192.0.2.1", "AlIcE").await, "LOGIN_THROTTLED");
}

/// What a stranger sees of one account: every answer, with its details, of
/// guesses from some addresses over some days.
async fn seen_of(username: &str) -> Vec<(Code, String, Vec<u8>)> {
    let world = World::new().await;
    for name in ["ann", "disabled", "deleted"] {
        world.user(name);
    }
    world.identity.change("disabled", |it| it.state = State::Disabled);
    world.identity.change("deleted", |it| it.state = State::Deleted);
    let mut seen = Vec::new();
    for round in 0..600_u64 {
        let caller = somebody_at(&format!("192.0.2.{}", round % 5));
        let status = world.try_log_in(&caller, guess(username)).await.unwrap_err();
        seen.push((status.code(), status.message().to_owned(), status.details().to_vec()));
        world.advance(Duration::from_secs((round % 7) * (round % 11) * 20));
    }
    seen
}

#[tokio::test]
async fn who_exists_makes_no_difference() {
    let seen = seen_of("ann").await;
    for code in [Code::Unauthenticated, Code::ResourceExhausted] {
        assert!(seen.iter().filter(|it| it.0 == code).count() > 50);
    }
    for other in ["nobody", "disabled", "deleted", "a b"] {
        assert_eq!(seen_of(other).await, seen, "{other}");
    }
}

#[tokio::test]
async fn a_restart_forgets_nothing() {
    let mut world = World::new().await;
    world.user("ann");
    for _ in 0..11 {
        world.guess_from("192.0.2.1", "ann").await;
    }
    world.restart(&SessionConfig::default()).await;
    assert!(world.wait_from("192.0.2.1", "ann").await.is_some());
}

#[tokio::test]
async fn what_was_not_looked_at_is_no_guess() {
    let world = World::new().await;
    world.user("ann");
    world.user("ben");
    world.identity.change("ben", |it| it.state = State::Disabled);
    for _ in 0..60 {
        for code in [Code::ResourceExhausted, Code::Unavailable] {
            let full = Refusal::new(code, "NOT_NOW", "Not now");
            *world.identity.refuse_with.lock().unwrap() = Some(full.into());
            assert_ne!(world.guess_from("192.0.2.1", "ann").await, "LOGIN_THROTTLED");
        }
        let disabled = world.try_log_in(&somebody_at("192.0.2.1"), credentials("ben")).await;
        assert_eq!(reason(&disabled.unwrap_err()), "USER_DISABLED");
    }
    assert_eq!(world.number("SELECT count(*) FROM throttle").await, 0);
}

#[tokio::test]
async fn whoever_does_not_wait_for_the_answer_has_failed() {
    let world = World::new().await;
    world.user("ann");
    for _ in 0..11 {
        let asked = world.asked();
        *world.identity.meanwhile.lock().unwrap() = Some(Box::pin(std::future::pending()));
        let caller = somebody_at("192.0.2.1");
        let mut login = std::pin::pin!(world.try_log_in(&caller, credentials("ann")));
        while world.asked() == asked {
            assert!(futures_util::poll!(&mut login).is_pending());
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(world.guess_from("192.0.2.1", "ann").await, "LOGIN_THROTTLED");
}

#[tokio::test]
async fn a_flood_ends_before_it_costs_anything() {
    let mut world = World::new().await;
    world.user("ann");
    let login = LoginConfig { max_concurrent: 1, ..LoginConfig::default() };
    world.restart(&SessionConfig { login, ..SessionConfig::default() }).await;
    *world.identity.meanwhile.lock().unwrap() = Some(Box::pin(std::future::pending()));
    let caller = somebody_at("192.0.2.1");
    {
        let mut first = std::pin::pin!(world.try_log_in(&caller, credentials("ann")));
        while world.asked() == 0 {
            assert!(futures_util::poll!(&mut first).is_pending());
            tokio::task::yield_now().await;
        }
        for _ in 0..100 {
            let status = world.try_log_in(&caller, credentials("ann")).await.unwrap_err();
            assert_eq!(status.code(), Code::ResourceExhausted);
            assert_eq!(reason(&status), "HASH_QUEUE_FULL");
            assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
        }
        assert_eq!(world.asked(), 1);
    }
    world.log_in("ann").await;
}

#[tokio::test]
async fn neither_names_nor_addresses_are_kept_of_those_who_fail() {
    let world = World::new().await;
    world.guess_from("198.51.100.77", "a-very-special-name").await;
    assert_eq!(world.number("SELECT count(*) FROM throttle").await, 3);
    // What is kept is found by its name, so that what is not would be, too.
    assert!(world.temp.holds(b"m0001_replay").await);
    for secret in [&b"a-very-special-name"[..], b"198.51.100.77", &[198, 51, 100, 77]] {
        assert!(!world.temp.holds(secret).await);
    }
    // Nor is it kept that somebody has failed.
    world.swept().await;
    world.advance(6 * HOUR);
    crate::world::eventually(async || world.number("SELECT count(*) FROM throttle").await == 0)
        .await;
}

#[tokio::test]
async fn where_a_user_has_signed_in_from_is_erased_with_the_user() {
    let world = World::new().await;
    world.signed_in("ann").await;
    world.signed_in("ben").await;
    assert_eq!(world.number("SELECT count(*) FROM familiar").await, 2);
    world.identity.change("ann", |it| it.state = State::Deleted);
    world.announce().await;
    assert_eq!(world.number("SELECT count(*) FROM familiar").await, 1);
}
