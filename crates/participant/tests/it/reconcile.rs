//! What was missed is caught up with.

use roster_kernel::UserId;
use roster_participant::{ReconcileReport, State, subjects};

use crate::notes::{Ledger, World};

#[tokio::test]
async fn missed_deletions_and_states_take_effect() {
    let world = World::new().await;
    let users: Vec<_> = (0..5).map(|_| UserId::generate(&world.env)).collect();
    for user in &users {
        world.add_notes(*user, 3).await;
    }
    let mut states: Vec<_> =
        users.iter().map(|user| World::subject(*user, 2, State::Active)).collect();
    states[1].state = State::Deleted;
    states[4].state = State::Disabled;
    let reconciler = world.participant.reconciler(Ledger(states.clone()).upstream());
    let report = reconciler.catch_up().await.unwrap();
    assert_eq!(report, ReconcileReport { states: 5, deleted: 1 });
    let mut counts = Vec::new();
    for user in &users {
        counts.push(world.count(*user).await);
    }
    assert_eq!(counts, [3, 0, 3, 3, 3]);
    let stored = subjects::find(world.db().read(), users[4]).await.unwrap().unwrap();
    assert_eq!(stored, states[4]);
    assert!(!world.create_note(users[1]).await);

    // The second time there is nothing new.
    assert_eq!(reconciler.catch_up().await.unwrap(), ReconcileReport::default());
}

#[tokio::test]
async fn a_ledger_that_does_not_answer_changes_nothing() {
    let world = World::new().await;
    let (upstream, _never_connected) = roster_server::Upstream::in_process();
    let reconciler = world.participant.reconciler(upstream);
    assert!(reconciler.catch_up().await.is_err());
}
