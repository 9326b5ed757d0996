use std::time::Duration;

use roster_identity::{IdentityConfig, PasswordConfig};
use roster_kernel::{Caller, Origin};
use roster_proto::identity::v1::{GetSettingsRequest, RegisterRequest};
use tonic::Code;
use tonic_types::StatusExt;

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

#[tokio::test]
async fn one_address_does_not_create_accounts_without_end() {
    let config = IdentityConfig {
        allow_registration: true,
        registrations_per_address: 3,
        ..IdentityConfig::default()
    };
    let world = World::with(Setup { config, ..Setup::default() }).await;
    let at = |address: &str| {
        let address = Some(address.parse().unwrap());
        Caller { origin: Origin { address, user_agent: String::new() }, ..anonymous() }
    };
    let register = async |address: &str, request: RegisterRequest| {
        world.account().register(says(&at(address), request)).await
    };
    let named = RegisterRequest { request_id: request_id(1), ..registration("user0") };
    let first = register("2001:db8::1", named.clone()).await.unwrap().into_inner();
    // Finding out who has an account counts as well.
    for (username, reason) in [("user0", "USERNAME_TAKEN"), ("root", "USERNAME_TAKEN")] {
        let answer = register("2001:db8::2", registration(username)).await;
        assert_eq!(refusal(answer).1, reason);
    }
    register("2001:db8::3", registration("user1")).await.unwrap();
    let status = register("2001:db8::4", registration("user2")).await.unwrap_err();
    let retry = status.get_details_retry_info().unwrap().retry_delay;
    assert_eq!(retry, Some(Duration::from_mins(1)));
    let expected = (Code::ResourceExhausted, "REGISTRATION_THROTTLED".to_owned());
    assert_eq!(refusal(Err::<(), _>(status)), expected);

    // A lost answer can still be had, others can register, and time helps.
    assert_eq!(register("2001:db8::1", named).await.unwrap().into_inner(), first);
    register("2001:db8:0:1::1", registration("user3")).await.unwrap();
    world.clock.advance(Duration::from_mins(1));
    register("2001:db8::5", registration("user2")).await.unwrap();
}
