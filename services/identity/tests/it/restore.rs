//! What the participants know is taken in.

use std::sync::{Arc, atomic::Ordering};

use roster_kernel::UserId;
use roster_proto::{
    identity::v1::{
        CreateUserRequest, DisableUserRequest, GetDeletionRequest, ListDeletionsRequest,
    },
    subject::v1::{KnownSubject, Role, State, SubjectState, Version},
};
use roster_testkit::eventually;

use crate::{
    participant::Counts,
    world::{PASSWORD, Setup, World, name, refusal, says},
};

/// A world with two participants.
async fn world() -> (World, Arc<Counts>, Arc<Counts>) {
    let [session, persona] = [Counts::of(&[]), Counts::of(&[])];
    let participants =
        vec![(name("session"), session.upstream()), (name("persona"), persona.upstream())];
    (World::with(Setup { participants, ..Setup::default() }).await, session, persona)
}

/// A participant knows the state of some users, in the order of their ids.
fn know(participant: &Counts, states: &[SubjectState]) {
    let known = |state: &SubjectState| KnownSubject {
        user_id: state.user_id.clone(),
        state: state.version.is_some().then(|| state.clone()),
    };
    let mut known: Vec<_> = states.iter().map(known).collect();
    known.sort_by(|one, other| one.user_id.cmp(&other.user_id));
    *participant.subjects.lock().unwrap() = known;
}

/// A state that followed `state`, so many changes later.
fn later(state: &SubjectState, changes: i64) -> SubjectState {
    let version = state.version.unwrap();
    let version = Version { number: version.number + changes, ..version };
    SubjectState { version: Some(version), ..state.clone() }
}

#[tokio::test]
async fn what_is_newer_anywhere_is_taken_in() {
    let (world, session, persona) = world().await;
    let mut states = Vec::new();
    for username in ["gone", "out", "same", "temporary"] {
        let user = world.create(username).await;
        states.push(world.state(&user.user_id).await);
    }
    let [gone, out, same, temporary] = states.try_into().unwrap();
    // The participants know different things.
    let deleted =
        SubjectState { state: State::Deleted.into(), session_epoch: 5, ..later(&gone, 7) };
    let demoted = SubjectState { session_epoch: 2, ..later(&out, 8) };
    let promoted = SubjectState { role: Role::Admin.into(), ..later(&out, 6) };
    let disabled = SubjectState { state: State::Disabled.into(), ..later(&temporary, 9) };
    let unknown = SubjectState {
        user_id: UserId::generate(&world.env).to_string(),
        session_epoch: 3,
        ..later(&same, 10)
    };
    let unheard = SubjectState {
        user_id: UserId::generate(&world.env).to_string(),
        version: None,
        ..SubjectState::default()
    };
    know(&session, &[same.clone(), demoted, disabled, unknown.clone()]);
    know(&persona, &[deleted, promoted, later(&same, 0), unheard.clone()]);

    let planned = world.service.restore(true).await.unwrap();
    assert_eq!(world.state(&out.user_id).await, out, "only planned");
    let restored = world.service.restore(false).await.unwrap();
    assert_eq!(restored, planned);
    assert_eq!((restored.incarnation, restored.admins), (2, 1));
    let ids = |users: &[UserId]| users.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(ids(&restored.deleted), std::slice::from_ref(&gone.user_id));
    assert_eq!(ids(&restored.unknown), [unknown.user_id.clone(), unheard.user_id.clone()]);
    let amended: Vec<_> =
        restored.amended.iter().map(|it| (it.user_id.to_string(), it.fields.join(" "))).collect();
    let expected = [
        (out.user_id.clone(), "revoke_sessions".to_owned()),
        (temporary.user_id.clone(), "disabled".to_owned()),
    ];
    assert_eq!(amended, expected);

    let known = world.ledger_from(0).await;
    assert!(known.iter().all(|it| it.version.unwrap().incarnation == 2), "{known:#?}");
    let state = async |user_id: &str| world.state(user_id).await;
    assert_eq!(
        (state(&out.user_id).await.session_epoch, state(&out.user_id).await.role()),
        (2, Role::User)
    );
    assert_eq!(state(&temporary.user_id).await.state(), State::Disabled);
    for (user_id, epoch) in [(&gone.user_id, 6), (&unknown.user_id, 4), (&unheard.user_id, 1)] {
        let state = state(user_id).await;
        assert_eq!((state.state(), state.session_epoch), (State::Deleted, epoch));
    }
    assert_eq!(refusal(world.verify("gone", PASSWORD).await).1, "INVALID_CREDENTIALS");
    world.verify("same", PASSWORD).await.unwrap();
    announced(&world).await;
}

/// Every participant has to confirm what was taken in, as it does otherwise.
async fn announced(world: &World) {
    let request = says(&world.root, ListDeletionsRequest::default());
    let deletions = world.admin().list_deletions(request).await.unwrap().into_inner().deletions;
    assert_eq!(deletions.len(), 3);
    for deletion in deletions {
        let request = GetDeletionRequest { deletion_id: deletion.deletion_id };
        let request = says(&world.root, request);
        let deletion = world.admin().get_deletion(request).await.unwrap().into_inner().deletion;
        let deletion = deletion.unwrap();
        assert_eq!((deletion.requested_by.as_str(), deletion.receipts.len()), ("", 3));
    }
    assert_eq!(world.number("SELECT count(*) FROM outbox_event").await, 5);
    let noted = "SELECT count(*) FROM audit_event WHERE method = 'roster.identity/Restore'";
    assert_eq!(world.number(noted).await, 6);
}

#[tokio::test]
async fn a_temporary_password_of_the_backup_still_has_to_be_changed() {
    let (world, session, _persona) = world().await;
    let request = CreateUserRequest {
        username: "temporary".to_owned(),
        display_name: "A person".to_owned(),
        password: PASSWORD.to_owned(),
        password_change_required: true,
        ..CreateUserRequest::default()
    };
    let created = world.admin().create_user(says(&world.root, request)).await.unwrap();
    let state = world.state(&created.into_inner().user.unwrap().user_id).await;
    assert!(state.password_change_required);
    let changed = SubjectState { password_change_required: false, ..later(&state, 4) };
    know(&session, &[SubjectState { session_epoch: 1, ..changed }]);
    world.service.restore(false).await.unwrap();
    let restored = world.state(&state.user_id).await;
    assert!(restored.password_change_required && restored.session_epoch == 1);
}

#[tokio::test]
async fn an_incarnation_that_anybody_has_seen_does_not_come_again() {
    let (world, _session, persona) = world().await;
    let user = world.create("alice").await;
    let state = world.state(&user.user_id).await;
    let version = Version { incarnation: 7, number: 1 };
    know(&persona, &[SubjectState { version: Some(version), ..state }]);
    assert_eq!(world.service.restore(false).await.unwrap().incarnation, 8);
    assert_eq!(world.service.restore(false).await.unwrap().incarnation, 9, "run once more");
    // What changes from now on is newer than all of it.
    let request = DisableUserRequest { user_id: user.user_id.clone(), ..Default::default() };
    let mut admin = world.admin();
    let disabled = async || world.state(&user.user_id).await.state() == State::Disabled;
    tokio::select! {
        answer = admin.disable_user(says(&world.root, request)) => panic!("{answer:?}"),
        () = eventually(disabled) => {}
    }
    assert_eq!(world.state(&user.user_id).await.version.unwrap().incarnation, 9);
}

#[tokio::test]
async fn a_participant_that_does_not_answer_keeps_everything_as_it_is() {
    let (world, session, persona) = world().await;
    let user = world.create("alice").await;
    let state = world.state(&user.user_id).await;
    know(&persona, &[SubjectState { state: State::Deleted.into(), ..later(&state, 5) }]);
    session.mute.store(true, Ordering::SeqCst);
    let mut refused = std::pin::pin!(world.service.restore(false));
    let refused = loop {
        tokio::select! {
            refused = &mut refused => break refused.unwrap_err(),
            () = tokio::task::yield_now() => {
                world.clock.advance(std::time::Duration::from_secs(1));
            }
        }
    };
    assert!(refused.to_string().contains("session"), "{refused}");
    assert_eq!(world.state(&user.user_id).await, state);
    // Nonsense is no answer either.
    session.mute.store(false, Ordering::SeqCst);
    know(&session, &[SubjectState { role: Role::Unspecified.into(), ..state.clone() }]);
    world.service.restore(false).await.unwrap_err();
    assert_eq!(world.state(&user.user_id).await, state);
}
