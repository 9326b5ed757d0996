use roster_proto::{
    identity::v1::{DisableUserRequest, EnableUserRequest, User},
    subject::v1::State,
};
use tonic::{Code, Status};

use crate::world::{PASSWORD, World, refusal, says};

async fn disable(world: &World, user_id: &str) -> Result<User, Status> {
    let request = DisableUserRequest { user_id: user_id.to_owned(), ..Default::default() };
    let answer = world.admin().disable_user(says(&world.root, request)).await?;
    Ok(answer.into_inner().user.unwrap())
}

async fn enable(world: &World, user_id: &str) -> Result<User, Status> {
    let request = EnableUserRequest { user_id: user_id.to_owned(), ..Default::default() };
    let answer = world.admin().enable_user(says(&world.root, request)).await?;
    Ok(answer.into_inner().user.unwrap())
}

#[tokio::test]
async fn a_disabled_user_is_told_apart_and_comes_back() {
    let world = World::new().await;
    let user = world.create("alice").await;
    let disabled = disable(&world, &user.user_id).await.unwrap();
    assert!(disabled.disabled);
    let state = world.verify("alice", PASSWORD).await.unwrap();
    assert_eq!((state.state(), state.session_epoch), (State::Disabled, 1));
    // A login that is refused is none.
    assert!(world.get(&user.user_id).await.unwrap().last_login_time.is_none());

    assert_eq!(disable(&world, &user.user_id).await.unwrap(), disabled, "already so");
    assert_eq!(world.state(&user.user_id).await.session_epoch, 1);

    let before = state.version.unwrap().number;
    let enabled = enable(&world, &user.user_id).await.unwrap();
    assert!(!enabled.disabled);
    let state = world.verify("alice", PASSWORD).await.unwrap();
    assert_eq!((state.state(), state.session_epoch), (State::Active, 1), "sessions stay over");
    assert!(state.version.unwrap().number > before);
}

#[tokio::test]
async fn there_is_always_an_enabled_administrator() {
    let world = World::new().await;
    let root = world.ledger_from(0).await.remove(0).user_id;
    let answer = disable(&world, &root).await;
    assert_eq!(refusal(answer), (Code::FailedPrecondition, "LAST_ADMIN".to_owned()));
    let (alice, _) = world.create_admin("alice").await;
    disable(&world, &alice.user_id).await.unwrap();
    let answer = disable(&world, &root).await;
    assert_eq!(refusal(answer), (Code::FailedPrecondition, "LAST_ADMIN".to_owned()));
    enable(&world, &alice.user_id).await.unwrap();
    assert!(disable(&world, &root).await.unwrap().disabled, "oneself");
    // And with that one cannot undo it.
    let answer = enable(&world, &root).await;
    assert_eq!(refusal(answer), (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned()));
}
