//! Changing passwords, onboarding, and disabling by hand.

use roster_proto::{
    identity::v1::{
        ChangePasswordRequest, CreateUserRequest, GetProfileRequest, UpdateUserRequest,
    },
    persona::v1::ListPersonasRequest,
    session::v1::{LoginRequest, LogoutRequest, RevokeSessionsRequest},
};
use tonic::Code;

use crate::{
    client::reason,
    world::{PASSWORD, World, person},
};

fn login(password: &str) -> LoginRequest {
    LoginRequest {
        username: "person".to_owned(),
        password: password.to_owned(),
        ..LoginRequest::default()
    }
}

fn reset(user_id: &str, password: &str) -> UpdateUserRequest {
    UpdateUserRequest {
        user_id: user_id.to_owned(),
        password: password.to_owned(),
        ..UpdateUserRequest::default()
    }
}

const WRONG: (Code, &str) = (Code::Unauthenticated, "INVALID_CREDENTIALS");

#[tokio::test]
async fn a_password_reset_does_not_revoke_sessions() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    world.admin.users().update_user(reset(&client.user_id, "another one")).await.unwrap();
    assert!(client.is_signed_in().await);
    let (code, reason) = reason(world.nobody().sessions().login(login(PASSWORD)).await);
    assert_eq!((code, reason.as_str()), WRONG);
    world.nobody().sessions().login(login("another one")).await.unwrap();
}

#[tokio::test]
async fn a_password_reset_revokes_sessions_when_asked_to() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    let request =
        UpdateUserRequest { revoke_sessions: true, ..reset(&client.user_id, "another one") };
    world.admin.users().update_user(request).await.unwrap();
    assert!(!client.is_signed_in().await);
    let again = world.sign_in_with("person", "another one").await;
    assert!(again.is_signed_in().await);
}

#[tokio::test]
async fn a_blank_password_keeps_the_old_one() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    let request =
        UpdateUserRequest { display_name: Some("Edited".to_owned()), ..reset(&client.user_id, "") };
    world.admin.users().update_user(request).await.unwrap();
    world.nobody().sessions().login(login(PASSWORD)).await.unwrap();
}

#[tokio::test]
async fn passwords_are_compared_byte_for_byte() {
    let world = World::new().await;
    let spaced = "  spaces at both ends  ";
    let request = CreateUserRequest {
        username: "person".to_owned(),
        password: spaced.to_owned(),
        ..person()
    };
    world.create(request).await;
    world.nobody().sessions().login(login(spaced)).await.unwrap();
    for other in [spaced.trim(), "  Spaces at both ends  ", "  spaces at both ends "] {
        let (code, reason) = reason(world.nobody().sessions().login(login(other)).await);
        assert_eq!((code, reason.as_str()), WRONG, "{other:?}");
    }
}

#[tokio::test]
async fn any_text_of_6_characters_to_1024_bytes_is_a_password_and_stays_as_it_is() {
    let world = World::new().await;
    let longest = "a".repeat(1_024);
    let longest_of_another_script = "字".repeat(341);
    let passwords = [
        "nul\0in the middle",
        "\0\0\0\0\0\0",
        " \t\n spaces \u{a0}\u{3000} ",
        "      ",
        "пароль",
        "كلمة السر",
        "密码密码密码",
        "🔑🔑🔑🔑🔑🔑",
        "\u{202e}drowssap\u{200b}",
        "e\u{301}e\u{301}e\u{301}",
        "line\r\nbreak",
        &longest,
        &longest_of_another_script,
    ];
    for (number, password) in passwords.into_iter().enumerate() {
        let username = format!("person-{number}");
        let request = CreateUserRequest {
            username: username.clone(),
            password: password.to_owned(),
            ..person()
        };
        world.create(request).await;
        let sign_in = |password: &str| {
            let (username, password) = (username.clone(), password.to_owned());
            let request = LoginRequest { username, password, ..LoginRequest::default() };
            let mut sessions = world.nobody().sessions();
            async move { sessions.login(request).await }
        };
        sign_in(password).await.unwrap();
        let mut shorter = password.to_owned();
        shorter.pop();
        for other in [password.trim(), password.trim_matches('\0'), &shorter, "éééé", "ééé"]
        {
            if other != password && !other.is_empty() {
                let (code, reason) = reason(sign_in(other).await);
                assert_eq!((code, reason.as_str()), WRONG, "{password:?} {other:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_password_of_1025_bytes_is_refused_wherever_one_is_given() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    for long in ["a".repeat(1_025), "ä".repeat(513), "字".repeat(342)] {
        let request = CreateUserRequest {
            username: "another".to_owned(),
            password: long.clone(),
            ..person()
        };
        let change = |current: &str, new: &str| ChangePasswordRequest {
            current_password: current.to_owned(),
            new_password: new.to_owned(),
            ..ChangePasswordRequest::default()
        };
        let answers = [
            world.admin.users().create_user(request).await.map(drop),
            world.admin.users().update_user(reset(&client.user_id, &long)).await.map(drop),
            client.account().change_password(change(PASSWORD, &long)).await.map(drop),
            client.account().change_password(change(&long, "another one")).await.map(drop),
            world.nobody().sessions().login(login(&long)).await.map(drop),
        ];
        for answer in answers {
            assert_eq!(answer.unwrap_err().code(), Code::InvalidArgument);
        }
    }
    world.nobody().sessions().login(login(PASSWORD)).await.unwrap();
}

#[tokio::test]
async fn an_unknown_user_and_a_wrong_password_get_the_same_answer() {
    let world = World::new().await;
    world.create_user("person").await;
    let wrong = world.nobody().sessions().login(login("not this one")).await.unwrap_err();
    let unknown = LoginRequest { username: "stranger".to_owned(), ..login(PASSWORD) };
    let unknown = world.nobody().sessions().login(unknown).await.unwrap_err();
    assert_eq!((wrong.code(), wrong.message()), (unknown.code(), unknown.message()));
    assert_eq!(wrong.details(), unknown.details());
}

#[tokio::test]
async fn a_temporary_password_must_be_changed_before_anything_else() {
    let world = World::new().await;
    let request = CreateUserRequest {
        username: "person".to_owned(),
        password_change_required: true,
        ..person()
    };
    world.create(request).await;
    let answer = world.nobody().sessions().login(login(PASSWORD)).await.unwrap().into_inner();
    assert!(answer.password_change_required);
    let client = world.nobody().with_token(&answer.token, &answer.session.unwrap().user_id);

    let list = client.personas().list_personas(ListPersonasRequest::default()).await;
    let refused = (Code::PermissionDenied, "PASSWORD_CHANGE_REQUIRED".to_owned());
    assert_eq!(reason(list), refused);
    client.account().get_profile(GetProfileRequest {}).await.unwrap();

    let change = |new: &str| ChangePasswordRequest {
        current_password: PASSWORD.to_owned(),
        new_password: new.to_owned(),
        ..ChangePasswordRequest::default()
    };
    let same = client.account().change_password(change(PASSWORD)).await.unwrap_err();
    assert_eq!(same.code(), Code::InvalidArgument);
    client.account().change_password(change("my own one")).await.unwrap();
    client.personas().list_personas(ListPersonasRequest::default()).await.unwrap();
    client.sessions().logout(LogoutRequest::default()).await.unwrap();
    assert!(!client.is_signed_in().await);
}

#[tokio::test]
async fn changing_a_password_asks_for_the_current_one() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    let request = ChangePasswordRequest {
        current_password: "not this one".to_owned(),
        new_password: "my own one".to_owned(),
        ..ChangePasswordRequest::default()
    };
    let answer = client.account().change_password(request).await;
    let expected = (Code::InvalidArgument, "CURRENT_PASSWORD_WRONG".to_owned());
    assert_eq!(reason(answer), expected);
    world.nobody().sessions().login(login(PASSWORD)).await.unwrap();
}

#[tokio::test]
async fn the_guides_three_steps_to_disable_work() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    let random = world.env.uuid().to_string();
    world.admin.users().update_user(reset(&client.user_id, &random)).await.unwrap();
    let revoke = RevokeSessionsRequest { user_id: client.user_id.clone(), ..Default::default() };
    let revoked = world.admin.all_sessions().revoke_sessions(revoke).await.unwrap().into_inner();
    assert_eq!(revoked.revoked_count, 1);
    assert!(!client.is_signed_in().await);
    let (code, reason) = reason(world.nobody().sessions().login(login(PASSWORD)).await);
    assert_eq!((code, reason.as_str()), WRONG);
}
