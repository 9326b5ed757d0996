//! Registration, where it is open and where it is not.

use roster_proto::identity::v1::{
    GetProfileRequest, GetSettingsRequest, ListUsersRequest, RegisterRequest,
};
use tonic::Code;

use crate::{
    client::{reason, refusal},
    world::{PASSWORD, World},
};

fn request() -> RegisterRequest {
    RegisterRequest {
        username: "newcomer".to_owned(),
        display_name: "A newcomer".to_owned(),
        password: PASSWORD.to_owned(),
        ..RegisterRequest::default()
    }
}

#[tokio::test]
async fn registration_is_off_unless_switched_on() {
    let world = World::new().await;
    let answer = world.nobody().account().register(request()).await;
    assert_eq!(reason(answer), (Code::PermissionDenied, "REGISTRATION_CLOSED".to_owned()));
    let settings = world.nobody().account().get_settings(GetSettingsRequest {}).await.unwrap();
    assert!(!settings.into_inner().allow_registration);
    // Neither for those who are signed in, administrators included.
    let answer = world.admin.account().register(request()).await;
    assert_eq!(reason(answer), (Code::PermissionDenied, "REGISTRATION_CLOSED".to_owned()));
}

#[tokio::test]
async fn registration_makes_a_regular_user() {
    let world = World::with(|config| config.identity.allow_registration = true).await;
    let settings = world.nobody().account().get_settings(GetSettingsRequest {}).await.unwrap();
    assert!(settings.into_inner().allow_registration);
    world.nobody().account().register(request()).await.unwrap();
    let client = world.sign_in("newcomer").await;
    let profile = client.account().get_profile(GetProfileRequest {}).await.unwrap().into_inner();
    assert!(!profile.user.unwrap().is_admin);
    let answer = client.users().list_users(ListUsersRequest::default()).await;
    assert_eq!(reason(answer), (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned()));
    let (_, reason, message) = refusal(world.nobody().account().register(request()).await);
    assert_eq!((reason.as_str(), message.as_str()), ("USERNAME_TAKEN", "Username already exists"));
}
