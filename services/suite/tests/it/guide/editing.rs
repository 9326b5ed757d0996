//! Editing users and granting the administrator role.

use roster_proto::identity::v1::{
    DeleteUserRequest, DisableUserRequest, EnableUserRequest, GetUserRequest, ListUsersRequest,
    UpdateUserRequest,
};
use tonic::Code;

use crate::{
    client::{Client, reason},
    world::World,
};

async fn update(
    by: &Client,
    user_id: &str,
    change: impl FnOnce(&mut UpdateUserRequest),
) -> Result<tonic::Response<roster_proto::identity::v1::UpdateUserResponse>, tonic::Status> {
    let mut request =
        UpdateUserRequest { user_id: user_id.to_owned(), ..UpdateUserRequest::default() };
    change(&mut request);
    by.users().update_user(request).await
}

#[tokio::test]
async fn changes_take_effect_immediately_and_sessions_remain_valid() {
    let world = World::new().await;
    let person = world.create_signed_in("person").await;
    let answer = update(&world.admin, &person.user_id, |it| {
        it.display_name = Some("New name".to_owned());
        it.email = Some("new@example.com".to_owned());
    });
    let user = answer.await.unwrap().into_inner().user.unwrap();
    assert_eq!((user.display_name.as_str(), user.email.as_str()), ("New name", "new@example.com"));
    let request = GetUserRequest { user_id: person.user_id.clone() };
    let read = world.admin.users().get_user(request).await.unwrap().into_inner().user.unwrap();
    assert_eq!(read.display_name, "New name");
    assert!(person.is_signed_in().await);
}

#[tokio::test]
async fn an_admin_is_promoted_and_demoted_on_the_next_request() {
    let world = World::new().await;
    let person = world.create_signed_in("person").await;
    for _ in 0..3 {
        update(&world.admin, &person.user_id, |it| it.is_admin = Some(true)).await.unwrap();
        person.users().list_users(ListUsersRequest::default()).await.unwrap();
        update(&world.admin, &person.user_id, |it| it.is_admin = Some(false)).await.unwrap();
        let answer = person.users().list_users(ListUsersRequest::default()).await;
        assert_eq!(reason(answer), (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned()));
    }
    assert!(person.is_signed_in().await);
}

#[tokio::test]
async fn a_stale_edit_is_refused() {
    let world = World::new().await;
    let user = world.create_user("person").await;
    let etag = user.etag.clone();
    update(&world.admin, &user.user_id, |it| it.display_name = Some("First".to_owned()))
        .await
        .unwrap();
    let stale = update(&world.admin, &user.user_id, |it| {
        it.display_name = Some("Second".to_owned());
        it.etag = etag;
    });
    assert_eq!(reason(stale.await), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let world = World::new().await;
    let admin_id = world.admin.user_id.clone();
    let expected = (Code::FailedPrecondition, "LAST_ADMIN".to_owned());
    let demote = update(&world.admin, &admin_id, |it| it.is_admin = Some(false)).await;
    assert_eq!(reason(demote), expected);
    let request = DisableUserRequest { user_id: admin_id.clone(), ..Default::default() };
    assert_eq!(reason(world.admin.users().disable_user(request).await), expected);

    // A disabled administrator does not count as one.
    let second = world.create_admin("second").await;
    let request = DisableUserRequest { user_id: second.user_id.clone(), ..Default::default() };
    world.admin.users().disable_user(request).await.unwrap();
    let demote = update(&world.admin, &admin_id, |it| it.is_admin = Some(false)).await;
    assert_eq!(reason(demote), expected);

    let request = EnableUserRequest { user_id: second.user_id, ..Default::default() };
    world.admin.users().enable_user(request).await.unwrap();
    update(&world.admin, &admin_id, |it| it.is_admin = Some(false)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_administrators_who_race_leave_one() {
    let world = World::new().await;
    let first = world.admin.clone();
    for round in 0..20 {
        let second = world.create_admin(&format!("rival-{round}")).await;
        let (mut a, mut b) = (first.users(), second.users());
        let delete = |id: &str| DeleteUserRequest { user_id: id.to_owned(), ..Default::default() };
        let demote = |id: &str| UpdateUserRequest {
            user_id: id.to_owned(),
            is_admin: Some(false),
            ..UpdateUserRequest::default()
        };
        // One deletes or demotes the other, who does the same at that moment.
        let (one, two) = if round % 2 == 0 {
            let (one, two) = tokio::join!(
                a.update_user(demote(&second.user_id)),
                b.update_user(demote(&first.user_id)),
            );
            (one.map(drop), two.map(drop))
        } else {
            let (one, two) = tokio::join!(
                a.delete_user(delete(&second.user_id)),
                b.update_user(demote(&first.user_id)),
            );
            (one.map(drop), two.map(drop))
        };
        assert!(one.is_ok() != two.is_ok(), "round {round}: {one:?} {two:?}");
        if two.is_ok() {
            // The first administrator lost: make it one again, for the next round.
            let promote = UpdateUserRequest {
                user_id: first.user_id.clone(),
                is_admin: Some(true),
                ..UpdateUserRequest::default()
            };
            second.users().update_user(promote).await.unwrap();
            let cleared = demote(&second.user_id);
            first.users().update_user(cleared).await.unwrap();
        }
    }
}

#[tokio::test]
async fn disabling_keeps_a_user_out_and_keeps_the_data() {
    let world = World::new().await;
    let person = world.create_signed_in("person").await;
    let request = DisableUserRequest { user_id: person.user_id.clone(), ..Default::default() };
    let user = world.admin.users().disable_user(request).await.unwrap().into_inner().user.unwrap();
    assert!(user.disabled);
    assert!(!person.is_signed_in().await);
    let login = roster_proto::session::v1::LoginRequest {
        username: "person".to_owned(),
        password: crate::world::PASSWORD.to_owned(),
        ..Default::default()
    };
    let answer = world.nobody().sessions().login(login.clone()).await;
    assert_eq!(reason(answer), (Code::PermissionDenied, "USER_DISABLED".to_owned()));
    let wrong =
        roster_proto::session::v1::LoginRequest { password: "a wrong one".to_owned(), ..login };
    let answer = world.nobody().sessions().login(wrong).await;
    assert_eq!(reason(answer), (Code::Unauthenticated, "INVALID_CREDENTIALS".to_owned()));

    let request = EnableUserRequest { user_id: person.user_id.clone(), ..Default::default() };
    world.admin.users().enable_user(request).await.unwrap();
    assert!(!person.is_signed_in().await, "an ended session stays ended");
    assert!(world.sign_in("person").await.is_signed_in().await);
}
