//! What was missed is caught up with.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use roster_kernel::{Env, Steps, UserId};
use roster_participant::{ReconcileError, ReconcileReport, State, Subject, Version, subjects};
use roster_server::Tasks;
use roster_testkit::{Passes, eventually};

use crate::notes::{Ledger, World};

impl World {
    /// The same service, with somebody watching its steps.
    fn watched_by(self, steps: Arc<dyn Steps>) -> Self {
        let Self { clock, env, temp, .. } = self;
        Self::over(temp, clock, Env { steps: Some(steps), ..env })
    }

    fn users(&self, count: usize) -> Vec<Subject> {
        let user = |_| World::subject(UserId::generate(&self.env), 2, State::Active);
        (0..count).map(user).collect()
    }

    /// Of how many users it has heard.
    async fn known(&self, users: &[Subject]) -> usize {
        let mut known = 0;
        for user in users {
            let row = subjects::find(self.db().read(), user.user_id).await.unwrap();
            known += usize::from(row.is_some());
        }
        known
    }
}

#[tokio::test]
async fn many_users_are_taken_in_with_few_commits() {
    let passes = Arc::new(Passes::of("reconcile.batch"));
    let world = World::new().await.watched_by(passes.clone());
    let mut states = world.users(950);
    for deleted in states.iter_mut().step_by(3) {
        deleted.state = State::Deleted;
    }
    let reconciler = world.participant.reconciler(Ledger(states.clone(), 500).upstream());
    let report = reconciler.catch_up().await.unwrap();
    assert_eq!(report, ReconcileReport { states: 950, deleted: 317 });
    assert_eq!(*passes.watch().borrow(), 10);
    assert_eq!(world.known(&states).await, 950);
}

#[tokio::test]
async fn users_with_much_are_done_completely() {
    let world = World::new().await;
    let mut states = world.users(4);
    for (state, notes) in states.iter_mut().zip([700, 700, 1_200, 3]) {
        world.add_notes(state.user_id, notes).await;
        state.state = if notes == 700 { State::Deleted } else { State::Disabled };
    }
    let reconciler = world.participant.reconciler(Ledger(states.clone(), 500).upstream());
    let report = reconciler.catch_up().await.unwrap();
    assert_eq!(report, ReconcileReport { states: 4, deleted: 2 });
    for state in &states {
        assert_eq!(world.count(state.user_id).await, 0);
        assert!(!world.create_note(state.user_id).await || state.state == State::Disabled);
    }
}

/// Tells everybody to stop at the first batch.
#[derive(Debug)]
struct StopEverything(Tasks);

impl Steps for StopEverything {
    fn reached(&self, step: &'static str) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        if step == "reconcile.batch" {
            self.0.token().cancel();
        }
        Box::pin(std::future::ready(()))
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_for_all_users() {
    let tasks = Tasks::new();
    let world = World::new().await.watched_by(Arc::new(StopEverything(tasks.clone())));
    let states = world.users(450);
    let ledger = || Ledger(states.clone(), 500).upstream();
    world.participant.reconciler(ledger()).start(&tasks);
    let hour = world.env.now() + Duration::from_hours(1);
    eventually(async || world.clock.is_awaited(hour)).await;
    world.clock.advance(Duration::from_hours(1));
    tasks.token().cancelled().await;
    tasks.shutdown().await;
    assert_eq!(world.known(&states).await, 100);

    let report = world.participant.reconciler(ledger()).catch_up().await.unwrap();
    assert_eq!(report, ReconcileReport { states: 450, deleted: 0 }, "nobody is left out");
    assert_eq!(world.known(&states).await, 450);
}

#[tokio::test]
async fn in_the_background_it_begins_after_an_hour() {
    let world = World::new().await;
    let states = world.users(1);
    let tasks = Tasks::new();
    world.participant.reconciler(Ledger(states.clone(), 500).upstream()).start(&tasks);
    let hour = world.env.now() + Duration::from_hours(1);
    eventually(async || world.clock.is_awaited(hour)).await;
    assert_eq!(world.known(&states).await, 0, "who starts the service has it catch up");
    world.clock.advance(Duration::from_hours(1));
    eventually(async || world.known(&states).await == 1).await;
    tasks.shutdown().await;
}

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
    let reconciler = world.participant.reconciler(Ledger(states.clone(), 2).upstream());
    let report = reconciler.catch_up().await.unwrap();
    assert_eq!(report, ReconcileReport { states: 5, deleted: 1 });
    let mut counts = Vec::new();
    for user in &users {
        counts.push(world.count(*user).await);
    }
    assert_eq!(counts, [3, 0, 3, 3, 0]);
    let stored = subjects::find(world.db().read(), users[4]).await.unwrap().unwrap();
    assert_eq!(stored, states[4]);
    assert!(!world.create_note(users[1]).await);

    // The second time there is nothing new.
    assert_eq!(reconciler.catch_up().await.unwrap(), ReconcileReport::default());
}

#[tokio::test]
async fn a_ledger_that_has_lost_what_was_taken_in_is_noticed_however_it_came() {
    let world = World::new().await;
    let states = world.users(3);
    let ledger = |states: &[Subject]| Ledger(states.to_vec(), 500).upstream();
    world.participant.reconciler(ledger(&states)).catch_up().await.unwrap();
    // By an event, behind the place that the ledger has been read up to.
    world.start().await;
    let event = world.changed(states[0].user_id, 9, State::Disabled);
    world.publish(&event).await;
    world.settle().await;
    let agreement = world.participant.agreement();
    assert!(!agreement.is_broken());
    for lost in [&states[..], &[]] {
        let refused = world.participant.reconciler(ledger(lost)).catch_up().await.unwrap_err();
        let ReconcileError::Behind { known, .. } = &refused else { panic!("{refused:?}") };
        assert_eq!(*known, Version { incarnation: 1, number: 9 });
        assert!(refused.to_string().contains("`roster restore identity`"), "{refused}");
        assert!(agreement.is_broken());
    }
    let mut found = states.clone();
    found[0].version.number = 9;
    world.participant.reconciler(ledger(&found)).catch_up().await.unwrap();
    assert!(!agreement.is_broken());
    world.tasks.shutdown().await;
}

#[tokio::test]
async fn another_incarnation_is_read_from_its_beginning() {
    let world = World::new().await;
    let mut states = world.users(5);
    let ledger = |states: &[Subject]| Ledger(states.to_vec(), 2).upstream();
    world.participant.reconciler(ledger(&states)).catch_up().await.unwrap();
    // Fewer than had been, all of them new: no place of the old one is one of it.
    states.truncate(3);
    for state in &mut states {
        state.version = Version { incarnation: 2, number: 1 };
        state.state = State::Disabled;
    }
    let report = world.participant.reconciler(ledger(&states)).catch_up().await.unwrap();
    assert_eq!(report, ReconcileReport { states: 3, deleted: 0 });
    for state in &states {
        let known = subjects::find(world.db().read(), state.user_id).await.unwrap().unwrap();
        assert_eq!(known, *state);
    }
    let again = world.participant.reconciler(ledger(&states)).catch_up().await.unwrap();
    assert_eq!(again, ReconcileReport::default());
    // And the one before has lost all of that.
    let before = world.users(9);
    let refused = world.participant.reconciler(ledger(&before)).catch_up().await;
    assert!(matches!(refused, Err(ReconcileError::Behind { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_ledger_that_does_not_answer_changes_nothing() {
    let world = World::new().await;
    let (upstream, _never_connected) = roster_server::Upstream::in_process();
    let reconciler = world.participant.reconciler(upstream);
    assert!(reconciler.catch_up().await.is_err());
}
