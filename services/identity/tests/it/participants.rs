//! Services that join the cascade while it runs, and leave it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use roster_events::{Address, Bus as _, Event};
use roster_identity::{Added, Listed, Progress, Registry, RegistryError, Ways};
use roster_kernel::Env;
use roster_proto::{
    event::v1::{UserDeleted, UserStateChanged},
    identity::v1::{
        DeleteUserRequest, Deletion, DeletionState, DisableUserRequest, ExportUserDataRequest,
        ExportUserDataResponse, GetDeletionRequest, ListDeletionsRequest, PlanUserDeletionRequest,
        ReceiptState, UpdateUserRequest,
    },
    subject::v1::State,
};
use roster_testkit::{StopAt, eventually};
use tonic::{Code, Streaming};

use crate::{
    participant::{Consumer, Counts},
    world::{Setup, World, name, refusal, says},
};

fn registry(world: &World) -> Registry {
    roster_identity::registry(&world.temp.db, &world.env)
}

fn notes_at(port: u16) -> Vec<String> {
    vec![format!("notes.example:{port}")]
}

async fn add(world: &World) -> Added {
    registry(world).add(&name("notes"), notes_at(1), false).await.unwrap()
}

async fn replay(world: &World) -> Result<u64, RegistryError> {
    registry(world).replay(&name("notes"), |_| {}).await
}

async fn delete(world: &World, user_id: &str) -> Deletion {
    let request = DeleteUserRequest { user_id: user_id.to_owned(), ..Default::default() };
    let answer = world.admin().delete_user(says(&world.root, request)).await.unwrap();
    answer.into_inner().deletion.unwrap()
}

async fn look(world: &World, deletion: &Deletion) -> Deletion {
    let request = GetDeletionRequest { deletion_id: deletion.deletion_id.clone() };
    let answer = world.admin().get_deletion(says(&world.root, request)).await.unwrap();
    answer.into_inner().deletion.unwrap()
}

/// Who has to confirm a deletion, and how far each is.
fn receipts(deletion: &Deletion) -> Vec<(&str, ReceiptState)> {
    deletion.receipts.iter().map(|it| (it.participant.as_str(), it.state())).collect()
}

/// The user and the state that an event tells of, and the deletion, if it is
/// one.
fn told(event: &Event) -> (String, State, Option<String>) {
    let deleted = event.message::<UserDeleted>().map(Result::unwrap);
    let deletion = deleted.as_ref().map(|it| it.deletion_id.clone());
    let changed = event.message::<UserStateChanged>().map(|it| it.unwrap().state);
    let state = deleted.map(|it| it.state).or(changed).flatten().unwrap();
    (state.user_id.clone(), state.state(), deletion)
}

async fn noted(world: &World) -> i64 {
    let noted =
        "SELECT count(*) FROM audit_event WHERE actor_kind = 'operator' AND target = 'notes'";
    world.number(noted).await
}

#[tokio::test]
async fn a_newcomer_is_told_of_everybody_there_ever_was() {
    let world = World::new().await;
    let mut expected = BTreeMap::new();
    let states = world.ledger_from(0).await;
    expected.insert(states[0].user_id.clone(), (State::Active, None));
    let (alice, bob, carol) =
        (world.create("alice").await, world.create("bob").await, world.create("carol").await);
    let disable = DisableUserRequest { user_id: bob.user_id.clone(), ..Default::default() };
    world.admin().disable_user(says(&world.root, disable)).await.unwrap();
    let deletion = delete(&world, &carol.user_id).await;
    assert_eq!(receipts(&deletion), [("identity", ReceiptState::Done)]);
    expected.insert(alice.user_id, (State::Active, None));
    expected.insert(bob.user_id, (State::Disabled, None));
    expected.insert(carol.user_id, (State::Deleted, Some(deletion.deletion_id.clone())));

    let mut notes = Consumer::listen(&world.bus, "notes").await;
    assert_eq!(add(&world).await, Added::New);
    let mut seen = Vec::new();
    let replayed = registry(&world).replay(&name("notes"), |progress| seen.push(progress)).await;
    assert_eq!(replayed.unwrap(), 4);
    let last = Progress { told: 4, complete: true };
    assert_eq!(seen, [Progress { complete: false, ..last }, last]);
    world.clock.advance(Duration::from_secs(5));
    let mut heard = BTreeMap::new();
    for _ in 0..4 {
        let event = notes.hear().await;
        assert_eq!(event.audience, Some(name("notes")));
        let (user, state, deletion) = told(&event);
        heard.insert(user, (state, deletion));
        notes.confirm(&event, &[], world.env.now()).await;
    }
    assert_eq!(heard, expected);

    // Nothing more is owed, and the old deletion's proof is what it was.
    eventually(async || registry(&world).list().await.unwrap()[0].waiting == 0).await;
    assert_eq!(look(&world, &deletion).await, deletion);
    assert_eq!(replay(&world).await.unwrap(), 0, "once is enough");
    assert_eq!(noted(&world).await, 1);
    let Listed { participant, .. } = registry(&world).list().await.unwrap().remove(0);
    assert_eq!(participant.addresses, notes_at(1));
    assert!(participant.replayed_at.is_some());

    assert_eq!(add(&world).await, Added::Known);
    assert_eq!(
        registry(&world).add(&name("notes"), notes_at(2), false).await.unwrap(),
        Added::Moved
    );
    assert_eq!(replay(&world).await.unwrap(), 0);
    registry(&world).add(&name("notes"), notes_at(2), true).await.unwrap();
    assert_eq!(replay(&world).await.unwrap(), 4, "anew, if that is wanted");
    assert_eq!(noted(&world).await, 3);
}

/// Whichever batch was the last: the next replay goes on behind it.
#[tokio::test]
async fn a_replay_that_is_cut_short_goes_on_where_it_was() {
    let world = World::new().await;
    // As many as three batches: copies of a row.
    let (columns, id) = (
        "incarnation, number, session_epoch, is_admin, state, password_change_required",
        world.temp.random_id(),
    );
    for user in 0..450 {
        world
            .execute(&format!(
                "INSERT INTO ledger (user_id, sequence, {columns}) \
                 SELECT {id}, {} , {columns} FROM ledger WHERE sequence = 1",
                1_000 + user
            ))
            .await;
    }
    add(&world).await;
    let stop = Arc::new(StopAt::new("participants.replayed", 1));
    let env = Env { steps: Some(stop.clone()), ..world.env.clone() };
    let (dying, notes) = (roster_identity::registry(&world.temp.db, &env), name("notes"));
    tokio::select! {
        replayed = dying.replay(&notes, |_| {}) => panic!("not cut short: {replayed:?}"),
        () = stop.stopped() => {}
    }
    assert_eq!(world.number("SELECT count(*) FROM outbox_event").await, 400);
    assert_eq!(replay(&world).await.unwrap(), 51);
    let users = "SELECT count(DISTINCT subject) FROM outbox_event";
    assert_eq!(world.number(users).await, 451);
    assert_eq!(world.number("SELECT count(*) FROM outbox_event").await, 451, "nobody twice");
}

#[tokio::test]
async fn nobody_waits_for_whoever_is_retired() {
    let setup = Setup { participants: Vec::new(), ..Setup::default() };
    let world = World::with(setup).await;
    add(&world).await;
    let alice = world.create("alice").await;
    let pending = delete(&world, &alice.user_id).await;
    assert_eq!(pending.state(), DeletionState::Running);
    assert_eq!(
        receipts(&pending),
        [("identity", ReceiptState::Done), ("notes", ReceiptState::Pending)]
    );
    world.clock.advance(Duration::from_secs(3));
    let retired_at = world.env.now();
    assert_eq!(registry(&world).retire(&name("notes")).await.unwrap(), 1);

    let complete = look(&world, &pending).await;
    assert_eq!(complete.state(), DeletionState::Complete);
    assert_eq!(
        receipts(&complete),
        [("identity", ReceiptState::Done), ("notes", ReceiptState::Waived)]
    );
    let time = Some(roster_proto::time::to_proto(retired_at));
    assert_eq!((complete.complete_time, complete.receipts[1].complete_time), (time, time));
    let request =
        ListDeletionsRequest { state: DeletionState::Complete.into(), ..Default::default() };
    let listed = world.admin().list_deletions(says(&world.root, request)).await.unwrap();
    assert_eq!(listed.into_inner().deletions, [complete]);

    let bob = world.create("bob").await;
    let after = delete(&world, &bob.user_id).await;
    assert_eq!(receipts(&after), [("identity", ReceiptState::Done)]);
    assert_eq!(noted(&world).await, 2);
    assert_eq!(registry(&world).list().await.unwrap(), []);
    let error = registry(&world).retire(&name("notes")).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no participant notes");
    let error = replay(&world).await.unwrap_err();
    assert!(matches!(error, RegistryError::Unknown(_)), "{error}");

    // Whoever comes back is told of everybody again.
    assert_eq!(add(&world).await, Added::New);
    assert_eq!(replay(&world).await.unwrap(), 3);
}

/// A process that ends between the two steps of it leaves the second to the
/// next.
#[tokio::test]
async fn a_retirement_that_is_cut_short_is_brought_to_its_end() {
    let world = World::new().await;
    add(&world).await;
    let alice = world.create("alice").await;
    let pending = delete(&world, &alice.user_id).await;
    let stop = Arc::new(StopAt::new("participants.unregistered", 0));
    let env = Env { steps: Some(stop.clone()), ..world.env.clone() };
    let (dying, notes) = (roster_identity::registry(&world.temp.db, &env), name("notes"));
    tokio::select! {
        retired = dying.retire(&notes) => panic!("not cut short: {retired:?}"),
        () = stop.stopped() => {}
    }
    assert_eq!(look(&world, &pending).await.state(), DeletionState::Running);
    assert_eq!(registry(&world).retire(&name("notes")).await.unwrap(), 1);
    assert_eq!(look(&world, &pending).await.state(), DeletionState::Complete);
    assert_eq!(noted(&world).await, 2);
}

#[tokio::test]
async fn nobody_joins_under_a_name_of_rosters_own_or_without_an_address() {
    let world = World::new().await;
    let registry = registry(&world);
    for own in ["session", "persona", "identity", "gateway", "operator"] {
        let error = registry.add(&name(own), notes_at(1), false).await.unwrap_err();
        assert_eq!(error.to_string(), "the name of a participant is a name of Roster's own");
        registry.retire(&name(own)).await.unwrap_err();
    }
    let error = registry.add(&name("notes"), Vec::new(), false).await.unwrap_err();
    assert!(matches!(error, RegistryError::NoAddress), "{error}");
    assert_eq!(world.number("SELECT count(*) FROM audit_event").await, 1, "root's alone");
}

/// However deletions and the newcomer fall together, it is told of each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_deletion_misses_a_newcomer() {
    let world = World::new().await;
    let mut users = Vec::new();
    for number in 0..40 {
        users.push(world.create(&format!("user{number}")).await.user_id);
    }
    let done = AtomicBool::new(false);
    let deleting = async {
        let some = |part: usize| {
            let users = users.iter().skip(part).step_by(3);
            async {
                for user in users {
                    delete(&world, user).await;
                }
            }
        };
        tokio::join!(some(0), some(1), some(2));
        done.store(true, Ordering::SeqCst);
    };
    let joining = async {
        let some_gone = "SELECT count(*) FROM deletion";
        eventually(async || world.number(some_gone).await >= 10).await;
        add(&world).await;
        assert!(!done.load(Ordering::SeqCst), "too late to show anything");
        replay(&world).await.unwrap();
    };
    tokio::join!(deleting, joining);
    let told = "SELECT count(DISTINCT e.subject) FROM outbox_event e \
                JOIN outbox_delivery d ON d.event_id = e.id \
                WHERE d.consumer = 'notes' AND e.kind = 'roster.event.v1.UserDeleted'";
    assert_eq!(world.number(told).await, 40);
}

/// What a newcomer keeps is a part of plans and exports from then on, wherever
/// it is, without a restart.
#[tokio::test]
async fn whoever_has_joined_is_asked_like_any_other() {
    let at = |port: u16| format!("notes.example:{port}");
    let (first, second) = (Counts::of(&[("notes", 2)]), Counts::of(&[("notes", 5)]));
    let places = HashMap::from([(at(1), first.upstream()), (at(2), second.upstream())]);
    let ways = Ways::new(move |name, addresses| {
        assert_eq!(name.as_str(), "notes");
        places[&addresses[0]].clone()
    });
    let session = Counts::of(&[("sessions", 1)]);
    let participants = vec![(name("session"), session.upstream())];
    let world = World::with(Setup { participants, ways, ..Setup::default() }).await;
    let user = world.create("alice").await;
    let plan = async || {
        let request = PlanUserDeletionRequest { user_id: user.user_id.clone() };
        let answer = world.admin().plan_user_deletion(says(&world.root, request)).await;
        let erasures = answer.unwrap().into_inner().plan.unwrap().erasures;
        let notes = erasures.into_iter().find(|it| it.participant == "notes");
        notes.map(|it| it.counts.first().map(|each| each.count))
    };
    assert_eq!(plan().await, None);
    add(&world).await;
    assert_eq!(plan().await, Some(Some(2)));
    registry(&world).add(&name("notes"), notes_at(2), false).await.unwrap();
    assert_eq!(plan().await, Some(Some(5)));
    // No list waits for it: what it keeps is in none.
    let before = second.asked.lock().unwrap().len();
    world.get(&user.user_id).await.unwrap();
    assert_eq!(second.asked.lock().unwrap().len(), before);

    second.mute.store(true, Ordering::SeqCst);
    let begin = async || {
        let request = ExportUserDataRequest { user_id: user.user_id.clone() };
        let answer = world.admin().export_user_data(says(&world.root, request)).await;
        answer.unwrap().into_inner()
    };
    let read = async |mut parts: Streaming<ExportUserDataResponse>| loop {
        match parts.message().await {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(()),
            Err(status) => return Err(status),
        }
    };
    let parts = begin().await;
    let passing = async {
        eventually(async || second.asked.lock().unwrap().len() > before).await;
        world.clock.advance(Duration::from_secs(10));
    };
    let (exported, ()) = tokio::join!(read(parts), passing);
    let status = exported.unwrap_err();
    assert!(status.message().contains("notes"), "{status:?}");
    assert_eq!(refusal::<()>(Err(status)).0, Code::Unavailable);
    registry(&world).retire(&name("notes")).await.unwrap();
    assert_eq!(plan().await, None);
    read(begin().await).await.unwrap();
}

/// A receipt that comes when nobody waits for it any more changes nothing.
#[tokio::test]
async fn a_late_receipt_changes_nothing() {
    let session = Counts::of(&[]);
    let participants = vec![(name("session"), session.upstream())];
    let world = World::with(Setup { participants, ..Setup::default() }).await;
    let mut notes = Consumer::listen(&world.bus, "notes").await;
    let mut heard = Consumer::listen(&world.bus, "session").await;
    add(&world).await;
    let alice = world.create("alice").await;
    let request = UpdateUserRequest {
        user_id: alice.user_id.clone(),
        is_admin: Some(true),
        ..Default::default()
    };
    let mut client = world.admin();
    let confirm = async {
        let event = heard.hear().await;
        heard.confirm(&event, &[], world.env.now()).await;
    };
    let (updated, ()) = tokio::join!(client.update_user(says(&world.root, request)), confirm);
    updated.unwrap();
    let event = notes.hear().await;
    registry(&world).retire(&name("notes")).await.unwrap();
    notes.confirm(&event, &[("notes", 9)], world.env.now()).await;
    // Behind it, on the same way: when this one has been taken, so has that.
    let address = Address::Receipts { source: name("identity"), consumer: name("notes") };
    world.bus.publish(&address, bytes::Bytes::from_static(b"\xff")).await.unwrap();
    eventually(async || world.bus.in_flight() == 0).await;
    let counted = "SELECT count(*) FROM outbox_delivery WHERE consumer = 'notes' AND waived \
                   AND counts IS NULL";
    assert_eq!(world.number(counted).await, 1);
}
