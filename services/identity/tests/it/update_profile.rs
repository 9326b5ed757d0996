use prost_types::FieldMask;
use roster_proto::identity::v1::{GetProfileRequest, UpdateProfileRequest};
use tonic::Code;

use crate::world::{World, fields, refusal, says};

#[tokio::test]
async fn users_keep_their_own_profile() {
    let world = World::new().await;
    let user = world.create("alice").await;
    let caller = world.caller_of(&user.user_id, false);
    let profile = world.account().get_profile(says(&caller, GetProfileRequest {})).await;
    assert_eq!(profile.unwrap().into_inner().user.unwrap(), user);

    let request = UpdateProfileRequest {
        display_name: Some("Alice".to_owned()),
        email: Some(String::new()),
        etag: user.etag.clone(),
        ..Default::default()
    };
    let answer = world.account().update_profile(says(&caller, request.clone())).await.unwrap();
    let updated = answer.into_inner().user.unwrap();
    assert_eq!((updated.display_name.as_str(), updated.email.as_str()), ("Alice", ""));
    assert_eq!(world.get(&user.user_id).await.unwrap(), updated);
    let answer = world.account().update_profile(says(&caller, request)).await;
    assert_eq!(refusal(answer), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
}

#[tokio::test]
async fn nobody_promotes_themselves() {
    let world = World::new().await;
    let user = world.create("alice").await;
    let caller = world.caller_of(&user.user_id, false);
    for path in ["is_admin", "password_change_required", "disabled", "username", "*"] {
        let request = UpdateProfileRequest {
            update_mask: Some(FieldMask { paths: vec![path.to_owned()] }),
            ..Default::default()
        };
        let answer = world.account().update_profile(says(&caller, request)).await;
        assert_eq!(fields(answer), ["update_mask"], "{path}");
    }
    assert_eq!(world.get(&user.user_id).await.unwrap(), user);
}
