use roster_identity::RecoveredAdmin;
use roster_proto::{
    identity::v1::{DisableUserRequest, UpdateUserRequest},
    subject::v1::{Role, State},
};
use secrecy::ExposeSecret;

use crate::{
    participant::{Consumer, Counts},
    world::{PASSWORD, Setup, World, name, refusal, says},
};

async fn recover(world: &World, username: &str, create: bool) -> Result<RecoveredAdmin, String> {
    world.service.recover_admin(username, create).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_disabled_user_becomes_an_administrator_with_a_password_to_change() {
    let world = World::new().await;
    let user = world.create("alice").await;
    let request = DisableUserRequest { user_id: user.user_id.clone(), ..Default::default() };
    world.admin().disable_user(says(&world.root, request)).await.unwrap();
    let before = world.get(&user.user_id).await.unwrap();
    let epoch = world.state(&user.user_id).await.session_epoch;

    // As it is typed.
    let recovered = recover(&world, "ALICE", false).await.unwrap();
    assert_eq!((recovered.username.as_str(), recovered.created), ("alice", false));
    assert_eq!(recovered.user_id.to_string(), user.user_id);
    assert_eq!(refusal(world.verify("alice", PASSWORD).await).1, "INVALID_CREDENTIALS");
    let state = world.verify("alice", recovered.password.expose_secret()).await.unwrap();
    assert_eq!((state.role(), state.state()), (Role::Admin, State::Active));
    assert!(state.password_change_required);
    assert_eq!(state.session_epoch, epoch + 1, "open sessions are over");
    let after = world.get(&user.user_id).await.unwrap();
    assert!(after.is_admin && !after.disabled && after.password_change_required);
    assert_ne!(after.etag, before.etag);

    let entry = "FROM audit_event WHERE method = 'roster.identity/RecoverAdmin' \
                 AND actor_kind = 'operator' AND actor_id = 'recovery'";
    assert_eq!(world.number(&format!("SELECT count(*) {entry}")).await, 1);
    for field in ["password", "is_admin", "disabled", "revoke_sessions"] {
        let named =
            format!("SELECT count(*) {entry} AND CAST(fields AS text) LIKE '%\"{field}\"%'");
        assert_eq!(world.number(&named).await, 1, "{field}");
    }
    // Nowhere is the password itself.
    let password = recovered.password.expose_secret();
    let dump = format!("SELECT count(*) {entry} AND CAST(fields AS text) LIKE '%{password}%'");
    assert_eq!(world.number(&dump).await, 0);
}

#[tokio::test]
async fn what_others_act_upon_is_announced_to_them() {
    let participants = vec![(name("session"), Counts::of(&[]).upstream())];
    let world = World::with(Setup { participants, ..Setup::default() }).await;
    let mut session = Consumer::listen(&world.bus, "session").await;
    let user = world.create("alice").await;
    recover(&world, "alice", false).await.unwrap();
    let event = session.hear().await;
    let message = event.message::<roster_proto::event::v1::UserStateChanged>().unwrap().unwrap();
    let state = message.state.unwrap();
    assert_eq!((state.user_id, state.session_epoch), (user.user_id, 1));
    assert_eq!(state.role, Role::Admin as i32);
}

#[tokio::test]
async fn an_administrator_who_forgot_the_password_gets_another_each_time() {
    let world = World::new().await;
    let first = recover(&world, "root", false).await.unwrap();
    let second = recover(&world, "root", false).await.unwrap();
    refusal(world.verify("root", first.password.expose_secret()).await);
    world.verify("root", second.password.expose_secret()).await.unwrap();
}

#[tokio::test]
async fn a_user_who_is_not_there_is_created_only_if_asked_for() {
    let world = World::new().await;
    assert_eq!(recover(&world, "alice", false).await.unwrap_err(), "there is no user alice");
    assert_eq!(world.number("SELECT count(*) FROM ledger").await, 1);
    assert_eq!(world.number("SELECT count(*) FROM audit_event").await, 1);
    let recovered = recover(&world, "alice", true).await.unwrap();
    assert!(recovered.created);
    let state = world.verify("alice", recovered.password.expose_secret()).await.unwrap();
    assert_eq!((state.role(), state.password_change_required), (Role::Admin, true));
    assert_eq!(world.number("SELECT count(*) FROM audit_event").await, 2);
    // Once there, it is not created again.
    assert!(!recover(&world, "alice", true).await.unwrap().created);
}

#[tokio::test]
async fn what_cannot_be_a_username_is_refused() {
    let world = World::new().await;
    let message = recover(&world, "x", true).await.unwrap_err();
    assert_eq!(message, "the username must have 3 to 50 characters");
}

#[tokio::test]
async fn a_recovered_administrator_administers() {
    let world = World::new().await;
    let user = world.create("alice").await;
    recover(&world, "alice", false).await.unwrap();
    let caller = world.caller_of(&user.user_id, true);
    let request = UpdateUserRequest {
        user_id: user.user_id,
        email: Some("alice@example.org".to_owned()),
        ..Default::default()
    };
    world.admin().update_user(says(&caller, request)).await.unwrap();
}
