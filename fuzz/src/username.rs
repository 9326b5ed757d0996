//! Usernames: what is taken is one name in all of its spellings.

use roster_proto::{
    identity::v1::credential_service_client::CredentialServiceClient,
    identity::v1::{RegisterRequest, VerifyPasswordRequest},
};
use tonic::Code;

use crate::{
    verdict::{deliberate, only_about},
    world::{Ground, PASSWORD, World},
};

/// A username.
pub fn username(ground: &mut Ground, data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let world = ground.world();
    world.runtime.block_on(register(world, &text));
}

async fn register(world: &World, text: &str) {
    let Some(username) = try_to(world, text).await else { return };
    let length = username.chars().count();
    assert!((3..=50).contains(&length), "{username:?} has {length} characters");
    let unfit = |c: char| c.is_control() || c.is_whitespace() || c.is_uppercase();
    assert!(!username.contains(unfit), "{username:?}");
    for spelling in [text, &username] {
        assert_eq!(try_to(world, spelling).await, None, "{spelling:?} is free again");
        assert!(opens(world, spelling).await, "{spelling:?} does not sign in");
    }
    // Another case is the same name, or no name at all. Some letters, such as
    // the sharp s, are others once they have been in upper case.
    let upper = username.to_uppercase();
    if upper.to_lowercase() == username {
        assert_eq!(try_to(world, &upper).await, None, "{upper:?} beside {username:?}");
    }
}

/// Registers `username`; answers it as it is kept, unless it is refused.
async fn try_to(world: &World, username: &str) -> Option<String> {
    let request = RegisterRequest {
        username: username.to_owned(),
        display_name: "A person".to_owned(),
        password: PASSWORD.to_owned(),
        ..RegisterRequest::default()
    };
    match world.accounts().register(world.of_nobody(request)).await {
        Ok(registered) => Some(registered.into_inner().user.unwrap().username),
        Err(refusal) if refusal.code() == Code::AlreadyExists => {
            deliberate(&refusal);
            None
        }
        Err(refusal) => {
            only_about(&refusal, &["username"]);
            None
        }
    }
}

async fn opens(world: &World, username: &str) -> bool {
    let request =
        VerifyPasswordRequest { username: username.to_owned(), password: PASSWORD.to_owned() };
    let mut credentials = CredentialServiceClient::new(world.service("identity"));
    let mut request = tonic::Request::new(request);
    request.extensions_mut().insert(world.caller(3));
    credentials.verify_password(request).await.is_ok()
}
