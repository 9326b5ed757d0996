use roster_identity::{IdentityConfig, PasswordConfig};
use roster_proto::identity::v1::{GetSettingsRequest, RegisterRequest};
use tonic::Code;

use crate::world::{PASSWORD, Setup, World, anonymous, fields, refusal, request_id, says};

fn registration(username: &str) -> RegisterRequest {
    RegisterRequest {
        username: username.to_owned(),
        display_name: "Somebody".to_owned(),
        password: PASSWORD.to_owned(),
        ..RegisterRequest::default()
    }
}

#[tokio::test]
async fn anybody_becomes_a_regular_user() {
    let world = World::new().await;
    let request = RegisterRequest { request_id: request_id(1), ..registration("Alice") };
    let answer = world.account().register(says(&anonymous(), request.clone())).await.unwrap();
    let user = answer.into_inner().user.unwrap();
    assert_eq!(user.username, "alice");
    assert!(!user.is_admin && !user.password_change_required);
    assert_eq!(world.verify("alice", PASSWORD).await.unwrap().user_id, user.user_id);

    let again = world.account().register(says(&anonymous(), request)).await.unwrap();
    assert_eq!(again.into_inner().user.unwrap(), user);
    let answer = world.account().register(says(&anonymous(), registration("ALICE"))).await;
    assert_eq!(answer.as_ref().unwrap_err().message(), "Username already exists");
    assert_eq!(refusal(answer), (Code::AlreadyExists, "USERNAME_TAKEN".to_owned()));
}

#[tokio::test]
async fn a_closed_registration_is_closed_by_the_service() {
    let world = World::with(Setup { config: IdentityConfig::default(), ..Setup::default() }).await;
    for caller in [anonymous(), world.root.clone()] {
        let answer = world.account().register(says(&caller, registration("alice"))).await;
        assert_eq!(refusal(answer), (Code::PermissionDenied, "REGISTRATION_CLOSED".to_owned()));
    }
    let settings = world.account().get_settings(says(&anonymous(), GetSettingsRequest {})).await;
    assert!(!settings.unwrap().into_inner().allow_registration);
}

#[tokio::test]
async fn the_shortest_password_is_configured() {
    let password = PasswordConfig { min_length: 12, ..PasswordConfig::default() };
    let config = IdentityConfig { allow_registration: true, password, ..IdentityConfig::default() };
    let world = World::with(Setup { config, ..Setup::default() }).await;
    let settings = world.account().get_settings(says(&anonymous(), GetSettingsRequest {})).await;
    let settings = settings.unwrap().into_inner();
    assert!(settings.allow_registration);
    assert_eq!(settings.password_min_length, 12);
    let request = RegisterRequest { password: "12345678901".to_owned(), ..registration("alice") };
    let answer = world.account().register(says(&anonymous(), request)).await;
    assert_eq!(fields(answer), ["password"]);
}
