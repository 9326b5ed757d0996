//! How soon deletions are answered, and complete.

use std::time::Instant;

use futures_util::{StreamExt as _, stream};
use roster_kernel::UserId;
use roster_proto::identity::v1::{
    DeleteUserRequest, Deletion, DeletionState, WatchDeletionRequest,
};

use tonic::Status;
use tonic_types::StatusExt as _;

use super::{Caller, LANES, millis};
use crate::{
    effort::Effort,
    measure::{at, sorted},
    table::{Row, Unit},
};

/// When a deletion was answered, and when it was complete, in milliseconds from
/// its beginning.
struct Times {
    answered: f64,
    complete: f64,
}

/// How often a deletion is asked for until it is confirmed to be in effect.
/// Brokers that have only just started elect who leads them first, and no event
/// goes anywhere until then.
const ATTEMPTS: usize = 6;

async fn delete(caller: &Caller, turn: usize, user_id: UserId) -> Times {
    let begun = Instant::now();
    let deletion = confirmed(caller, turn, user_id).await;
    let answered = millis(begun.elapsed());
    watch(caller, turn, deletion).await;
    Times { answered, complete: millis(begun.elapsed()) }
}

/// Asks again with the same `request_id`, as the contract has it for a change
/// that stands and is not yet known to be in effect.
async fn confirmed(caller: &Caller, turn: usize, user_id: UserId) -> Deletion {
    let request = DeleteUserRequest {
        user_id: user_id.to_string(),
        request_id: user_id.to_string(),
        ..DeleteUserRequest::default()
    };
    for _ in 1..ATTEMPTS {
        let request = caller.signed(request.clone());
        match caller.users(turn).delete_user(request).await {
            Ok(deleted) => return deleted.into_inner().deletion.unwrap(),
            Err(status) => assert!(is_pending(&status), "{status:?}"),
        }
    }
    let last = caller.users(turn).delete_user(caller.signed(request)).await;
    last.unwrap().into_inner().deletion.unwrap()
}

fn is_pending(status: &Status) -> bool {
    let details = status.get_error_details();
    details.error_info().is_some_and(|info| info.reason == "EFFECT_PENDING")
}

/// Waits until every service has confirmed.
async fn watch(caller: &Caller, turn: usize, mut deletion: Deletion) {
    let request = WatchDeletionRequest { deletion_id: deletion.deletion_id.clone() };
    let watched = caller.users(turn).watch_deletion(caller.signed(request)).await.unwrap();
    let mut watched = watched.into_inner();
    while deletion.state() != DeletionState::Complete {
        deletion = watched.message().await.unwrap().unwrap().deletion.unwrap();
    }
}

async fn users(caller: &Caller, what: &str, count: usize) -> Vec<UserId> {
    let created = (0..count).map(|number| caller.create(format!("{what}-{number}")));
    stream::iter(created).buffered(2).collect().await
}

pub async fn measure(effort: &Effort, caller: &Caller) -> Vec<Row> {
    // The first finds everything cold.
    for user_id in users(caller, "first", 1).await {
        delete(caller, 0, user_id).await;
    }
    let mut times = Vec::new();
    let leaving = users(caller, "leaving", effort.apart_deletions).await;
    for (turn, user_id) in leaving.into_iter().enumerate() {
        times.push(delete(caller, turn, user_id).await);
    }
    let [answered, complete] = [
        times.iter().map(|it| it.answered).collect(),
        times.iter().map(|it| it.complete).collect(),
    ]
    .map(sorted);

    let leaving = users(caller, "crowd", effort.apart_deletions).await;
    let begun = Instant::now();
    let deleted = leaving.into_iter().enumerate();
    let deleted = deleted.map(|(turn, user_id)| delete(caller, turn, user_id));
    let deleted: Vec<_> = stream::iter(deleted).buffer_unordered(LANES).collect().await;
    let a_second = f64::from(u32::try_from(deleted.len()).unwrap()) / begun.elapsed().as_secs_f64();

    let row = |what: &str, figure| {
        Row::new(format!("DeleteUser, apart, until {what}"), figure, Unit::Millis)
    };
    vec![
        row("answered, median", at(&answered, 50)).goal(20.0),
        row("answered, 99 of 100", at(&answered, 99)),
        row("complete, median", at(&complete, 50)).goal(100.0),
        row("complete, 99 of 100", at(&complete, 99)),
        Row::new(
            format!("events, apart, {LANES} at a time, to the last receipt"),
            a_second,
            Unit::PerSecond,
        ),
    ]
}
