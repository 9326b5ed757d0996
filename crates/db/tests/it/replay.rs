//! A repeated request gets the first answer, for a day.

use std::time::Duration;

use roster_db::{
    DbError,
    replay::{self, FingerprintKey, ReplayError, ReplayKey},
};
use roster_kernel::{Actor, Env, RequestId, SessionId, UserActor, UserId};
use roster_testkit::TempDb;
use tokio::task::JoinSet;

use crate::Migrator;

fn actor(env: &Env) -> Actor {
    Actor::User(UserActor {
        user_id: UserId::generate(env),
        session_id: SessionId::generate(env),
        is_admin: true,
        password_change_required: false,
    })
}

fn key(actor: &Actor, request_id: RequestId, request: &[u8]) -> ReplayKey {
    ReplayKey::new(actor, "Service/Method", request_id, request, &FingerprintKey::new([1; 32]))
}

async fn find(temp: &TempDb, env: &Env, key: &ReplayKey) -> Result<Option<String>, ReplayError> {
    let tx = temp.db.begin().await.unwrap();
    replay::find(&tx, Some(key), env.now()).await
}

async fn record(temp: &TempDb, env: &Env, key: &ReplayKey, subject: UserId, answer: &str) {
    let tx = temp.db.begin().await.unwrap();
    replay::record(&tx, Some(key), env.now(), Some(subject), &answer).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn the_first_answer_is_given_again_for_a_day() {
    let temp = TempDb::new::<Migrator>().await;
    let (clock, env) = roster_testkit::env(1);
    let (caller, subject) = (actor(&env), UserId::generate(&env));
    let key = key(&caller, RequestId::generate(&env), b"request");
    assert_eq!(find(&temp, &env, &key).await.unwrap(), None);
    record(&temp, &env, &key, subject, "answer").await;
    clock.advance(Duration::from_hours(23));
    assert_eq!(find(&temp, &env, &key).await.unwrap().as_deref(), Some("answer"));
    assert_eq!(replay::sweep(&temp.db, env.now()).await.unwrap(), 0);
    clock.advance(Duration::from_hours(1));
    assert_eq!(find(&temp, &env, &key).await.unwrap(), None);
    // An id that is used anew after that day is a new request.
    record(&temp, &env, &key, subject, "another").await;
    assert_eq!(find(&temp, &env, &key).await.unwrap().as_deref(), Some("another"));
    clock.advance(Duration::from_hours(24));
    assert_eq!(replay::sweep(&temp.db, env.now()).await.unwrap(), 1);
}

#[tokio::test]
async fn an_id_means_one_request_of_one_caller() {
    let temp = TempDb::new::<Migrator>().await;
    let (_, env) = roster_testkit::env(1);
    let (caller, other) = (actor(&env), actor(&env));
    let id = RequestId::generate(&env);
    record(&temp, &env, &key(&caller, id, b"request"), UserId::generate(&env), "answer").await;
    let changed = find(&temp, &env, &key(&caller, id, b"another request")).await;
    assert!(matches!(changed, Err(ReplayError::Mismatch)), "{changed:?}");
    assert_eq!(find(&temp, &env, &key(&other, id, b"request")).await.unwrap(), None);
}

#[tokio::test]
async fn answers_about_a_deleted_user_are_forgotten() {
    let temp = TempDb::new::<Migrator>().await;
    let (_, env) = roster_testkit::env(1);
    let (caller, subject) = (actor(&env), UserId::generate(&env));
    let about = key(&caller, RequestId::generate(&env), b"about");
    let other = key(&caller, RequestId::generate(&env), b"other");
    record(&temp, &env, &about, subject, "personal").await;
    record(&temp, &env, &other, UserId::generate(&env), "kept").await;
    let tx = temp.db.begin().await.unwrap();
    assert_eq!(replay::forget(&tx, subject).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(find(&temp, &env, &about).await.unwrap(), None);
    assert_eq!(find(&temp, &env, &other).await.unwrap().as_deref(), Some("kept"));
}

#[tokio::test]
async fn answers_of_yesterday_are_swept_however_many() {
    let temp = TempDb::new::<Migrator>().await;
    let (clock, env) = roster_testkit::env(1);
    let (caller, subject) = (actor(&env), UserId::generate(&env));
    let tx = temp.db.begin().await.unwrap();
    for _ in 0..1_200 {
        let key = key(&caller, RequestId::generate(&env), b"request");
        replay::record(&tx, Some(&key), env.now(), Some(subject), &"answer").await.unwrap();
    }
    tx.commit().await.unwrap();
    clock.advance(std::time::Duration::from_hours(12));
    let today = key(&caller, RequestId::generate(&env), b"request");
    record(&temp, &env, &today, subject, "answer").await;
    assert_eq!(replay::sweep(&temp.db, env.now()).await.unwrap(), 0);
    clock.advance(std::time::Duration::from_hours(12));
    assert_eq!(replay::sweep(&temp.db, env.now()).await.unwrap(), 1_200);
    assert!(find(&temp, &env, &today).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_are_the_same_at_once_one_is_the_first() {
    let temp = TempDb::new::<Migrator>().await;
    let (_, env) = roster_testkit::env(1);
    let (caller, subject) = (actor(&env), UserId::generate(&env));
    let key = key(&caller, RequestId::generate(&env), b"request");
    let mut twins = JoinSet::new();
    for twin in 0..16 {
        let (db, env, key) = (temp.db.clone(), env.clone(), key.clone());
        twins.spawn(async move {
            let tx = db.begin().await.unwrap();
            let first = replay::find::<u32>(&tx, Some(&key), env.now()).await.unwrap();
            if first.is_none() {
                replay::record(&tx, Some(&key), env.now(), Some(subject), &twin).await.unwrap();
                tx.commit().await.unwrap();
            }
            (twin, first)
        });
    }
    let answers = twins.join_all().await;
    let first: Vec<u32> =
        answers.iter().filter(|(_, found)| found.is_none()).map(|(twin, _)| *twin).collect();
    assert_eq!(first.len(), 1, "{answers:?}");
    assert!(answers.iter().all(|(_, found)| found.is_none_or(|it| it == first[0])), "{answers:?}");
}

#[tokio::test]
async fn an_answer_is_not_written_over_by_a_second_one() {
    let temp = TempDb::new::<Migrator>().await;
    let (_, env) = roster_testkit::env(1);
    let (caller, subject) = (actor(&env), UserId::generate(&env));
    let key = key(&caller, RequestId::generate(&env), b"request");
    record(&temp, &env, &key, subject, "answer").await;
    let tx = temp.db.begin().await.unwrap();
    let second = replay::record(&tx, Some(&key), env.now(), Some(subject), &"another").await;
    assert!(matches!(second, Err(DbError::Conflict(_))), "{second:?}");
    drop(tx);
    assert_eq!(find(&temp, &env, &key).await.unwrap().as_deref(), Some("answer"));
}
