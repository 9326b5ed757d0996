use std::time::Duration;

use roster_participant::{Role, State};
use tonic::Code;

use crate::world::{DAY, World, fields, reason};

async fn refused(world: &World, token: &str) {
    let status = world.authenticate(token).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated, "{token}");
    assert_eq!(reason(&status), "TOKEN_INVALID", "{token}");
}

#[tokio::test]
async fn a_token_stands_for_its_user_and_session() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    let ben = world.signed_in("ben").await;
    for someone in [&ann, &ben] {
        let found = world.authenticate(&someone.token).await.unwrap();
        assert_eq!(found.user_id, someone.user_id.to_string());
        assert_eq!(found.session_id, someone.id());
        assert_eq!(found.expire_time, someone.session.expire_time);
        assert!(!found.is_admin);
        assert!(!found.password_change_required);
    }
}

#[tokio::test]
async fn rubbish_is_refused() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    let unknown = "rst_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for token in [
        unknown,
        "rst_",
        "x",
        "Bearer",
        " ",
        "\0",
        "' OR 1=1 --",
        &ann.token[..20],
        &ann.token.to_uppercase(),
        &format!("{}=", ann.token),
    ] {
        refused(&world, token).await;
    }
    for token in ["", &"x".repeat(257)] {
        let status = world.authenticate(token).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(fields(&status), ["token"]);
    }
}

#[tokio::test]
async fn what_cannot_be_a_token_never_reaches_the_database() {
    let world = World::new().await;
    world.temp.db.close().await.unwrap();
    refused(&world, "rst_tooshort").await;
    let well_formed = "rst_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let status = world.authenticate(well_formed).await.unwrap_err();
    assert_ne!(status.code(), Code::Unauthenticated, "this one is looked up");
}

#[tokio::test]
async fn a_session_ends_when_its_time_is_over_however_much_it_is_used() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    for _ in 0..6 {
        world.advance(DAY);
        world.authenticate(&ann.token).await.unwrap();
    }
    world.advance(DAY.saturating_sub(Duration::from_micros(1)));
    world.authenticate(&ann.token).await.unwrap();
    world.advance(Duration::from_micros(1));
    refused(&world, &ann.token).await;
}

#[tokio::test]
async fn roles_and_required_changes_are_those_of_the_moment() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    world.identity.change("ann", |it| {
        it.role = Role::Admin;
        it.password_change_required = true;
    });
    world.announce().await;
    let found = world.authenticate(&ann.token).await.unwrap();
    assert!(found.is_admin);
    assert!(found.password_change_required);
    world.identity.change("ann", |it| it.role = Role::User);
    world.announce().await;
    assert!(!world.authenticate(&ann.token).await.unwrap().is_admin);
}

#[tokio::test]
async fn an_edit_ends_no_session() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    world.identity.change("ann", |_| {});
    world.announce().await;
    world.authenticate(&ann.token).await.unwrap();
}

#[tokio::test]
async fn sessions_below_the_epoch_are_over_and_later_ones_are_not() {
    let world = World::new().await;
    let before = world.signed_in("ann").await;
    world.identity.change("ann", |it| it.session_epoch += 1);
    // Signing in again is how the service hears of the new epoch here.
    let after = world.log_in("ann").await;
    refused(&world, &before.token).await;
    world.authenticate(&after.token).await.unwrap();
    world.announce().await;
    refused(&world, &before.token).await;
    world.authenticate(&after.token).await.unwrap();
}

#[tokio::test]
async fn the_sessions_of_the_disabled_and_the_deleted_are_over_for_good() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    let ben = world.signed_in("ben").await;
    for (name, state) in [("ann", State::Disabled), ("ben", State::Deleted)] {
        world.identity.change(name, |it| {
            it.state = state;
            it.session_epoch += 1;
        });
    }
    world.announce().await;
    refused(&world, &ann.token).await;
    refused(&world, &ben.token).await;
    world.identity.change("ann", |it| it.state = State::Active);
    world.announce().await;
    refused(&world, &ann.token).await;
}
