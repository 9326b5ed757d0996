use std::time::Duration;

use roster_kernel::{Actor, Caller};
use roster_proto::identity::v1::{
    ChangePasswordRequest, CreateUserRequest, GetProfileRequest, UpdateProfileRequest, User,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::world::{PASSWORD, World, fields, new_user, refusal, request_id, says};

const NEW: &str = "battery staple";

fn change(new_password: &str) -> ChangePasswordRequest {
    ChangePasswordRequest {
        current_password: PASSWORD.to_owned(),
        new_password: new_password.to_owned(),
        ..Default::default()
    }
}

async fn call(
    world: &World,
    caller: &Caller,
    request: ChangePasswordRequest,
) -> Result<User, Status> {
    let answer = world.account().change_password(says(caller, request)).await?;
    Ok(answer.into_inner().user.unwrap())
}

#[tokio::test]
async fn the_current_password_has_to_be_known() {
    let world = World::new().await;
    let user = world.create("alice").await;
    let caller = world.caller_of(&user.user_id, false);
    let wrong = ChangePasswordRequest { current_password: NEW.to_owned(), ..change(NEW) };
    let answer = call(&world, &caller, wrong.clone()).await;
    assert_eq!(refusal(answer).1, "CURRENT_PASSWORD_WRONG");
    assert_eq!(fields(call(&world, &caller, wrong).await), ["current_password"]);
    world.verify("alice", PASSWORD).await.unwrap();

    let changed = call(&world, &caller, change(NEW)).await.unwrap();
    assert_ne!(changed.etag, user.etag);
    assert!(world.verify("alice", PASSWORD).await.is_err());
    let state = world.verify("alice", NEW).await.unwrap();
    assert_eq!(state.session_epoch, 0, "sessions stay");
}

#[tokio::test]
async fn a_repeated_change_gets_the_first_answer() {
    let world = World::new().await;
    let user = world.create("alice").await;
    let caller = world.caller_of(&user.user_id, false);
    let request =
        ChangePasswordRequest { revoke_sessions: true, request_id: request_id(1), ..change(NEW) };
    let first = call(&world, &caller, request.clone()).await.unwrap();
    assert_eq!(call(&world, &caller, request).await.unwrap(), first);
    assert_eq!(world.state(&user.user_id).await.session_epoch, 1);
}

#[tokio::test]
async fn a_temporary_password_is_replaced_before_anything_else() {
    let world = World::new().await;
    let request = CreateUserRequest { password_change_required: true, ..new_user("alice") };
    let user = world.create_with(request).await;
    let caller = world.caller_of(&user.user_id, false);
    let Actor::User(actor) = caller.actor.clone() else { unreachable!() };
    let actor = roster_kernel::UserActor { password_change_required: true, ..actor };
    let caller = Caller { actor: Actor::User(actor), ..caller };

    world.account().get_profile(says(&caller, GetProfileRequest {})).await.unwrap();
    let request = says(&caller, UpdateProfileRequest::default());
    let answer = world.account().update_profile(request).await;
    let expected = (Code::PermissionDenied, "PASSWORD_CHANGE_REQUIRED".to_owned());
    assert_eq!(refusal(answer), expected);
    assert_eq!(fields(call(&world, &caller, change(PASSWORD)).await), ["new_password"]);
    let changed = call(&world, &caller, change(NEW)).await.unwrap();
    assert!(!changed.password_change_required);
    assert!(!world.state(&user.user_id).await.password_change_required);
}

#[tokio::test]
async fn a_stolen_session_is_no_oracle_and_does_not_lock_the_owner_out() {
    let world = World::new().await;
    let user = world.create("alice").await;
    let (stolen, own) =
        (world.caller_of(&user.user_id, false), world.caller_of(&user.user_id, false));
    let wrong = ChangePasswordRequest { current_password: NEW.to_owned(), ..change(NEW) };
    for _ in 0..11 {
        let answer = call(&world, &stolen, wrong.clone()).await;
        assert_eq!(refusal(answer).1, "CURRENT_PASSWORD_WRONG");
    }
    // From now on the right one is not found out, either.
    for wait in [1, 2, 4] {
        let computed = world.service.hash_statistics().computed;
        for request in [change(NEW), wrong.clone()] {
            let status = call(&world, &stolen, request).await.unwrap_err();
            let retry = status.get_details_retry_info().unwrap().retry_delay;
            assert_eq!(retry, Some(Duration::from_secs(wait)));
            let expected = (Code::ResourceExhausted, "PASSWORD_THROTTLED".to_owned());
            assert_eq!(refusal(Err::<(), _>(status)), expected);
        }
        assert_eq!(world.service.hash_statistics().computed, computed);
        world.clock.advance(Duration::from_secs(wait));
        assert_eq!(refusal(call(&world, &stolen, wrong.clone()).await).1, "CURRENT_PASSWORD_WRONG");
    }
    call(&world, &own, change(NEW)).await.unwrap();
}

#[tokio::test]
async fn a_success_begins_anew_and_a_repetition_is_not_counted() {
    let world = World::new().await;
    let user = world.create("alice").await;
    let caller = world.caller_of(&user.user_id, false);
    let wrong = ChangePasswordRequest { current_password: "wrong".to_owned(), ..change(NEW) };
    for _ in 0..10 {
        call(&world, &caller, wrong.clone()).await.unwrap_err();
    }
    let request = ChangePasswordRequest { request_id: request_id(1), ..change(NEW) };
    let changed = call(&world, &caller, request.clone()).await.unwrap();
    for _ in 0..11 {
        assert_eq!(refusal(call(&world, &caller, wrong.clone()).await).1, "CURRENT_PASSWORD_WRONG");
    }
    assert_eq!(refusal(call(&world, &caller, wrong).await).1, "PASSWORD_THROTTLED");
    assert_eq!(call(&world, &caller, request).await.unwrap(), changed);
}
