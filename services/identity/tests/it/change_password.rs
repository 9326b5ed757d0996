use roster_kernel::{Actor, Caller};
use roster_proto::identity::v1::{
    ChangePasswordRequest, CreateUserRequest, GetProfileRequest, UpdateProfileRequest, User,
};
use tonic::{Code, Status};

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
