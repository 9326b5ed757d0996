use secrecy::ExposeSecret;

use crate::world::{PASSWORD, Setup, World};

/// A world whose database is empty again.
async fn empty() -> World {
    let mut world = World::new().await;
    for table in ["credential", "\"user\"", "ledger", "audit_event"] {
        world.execute(&format!("DELETE FROM {table}")).await;
    }
    world.restart(&Setup::default());
    world
}

#[tokio::test]
async fn an_installation_begins_with_an_administrator() {
    let world = empty().await;
    let first = world.service.ensure_first_admin("admin", None).await.unwrap().unwrap();
    let password = first.generated_password.unwrap();
    assert!(password.expose_secret().len() >= 20);
    let state = world.verify("admin", password.expose_secret()).await.unwrap();
    assert_eq!(state.role(), roster_proto::subject::v1::Role::Admin);
    // Once, and never again: not after a deletion either.
    for password in [None, Some(PASSWORD.into())] {
        let again = world.service.ensure_first_admin("admin", password).await.unwrap();
        assert!(again.is_none());
    }
    assert_eq!(world.number("SELECT count(*) FROM ledger").await, 1);
    assert_eq!(world.number("SELECT count(*) FROM audit_event").await, 1);
}

#[tokio::test]
async fn a_password_that_is_given_is_taken_or_refused() {
    let world = empty().await;
    let short = world.service.ensure_first_admin("admin", Some("12345".into())).await;
    let message = short.unwrap_err().to_string();
    assert_eq!(message, "the first administrator's password must have at least 6 characters");
    assert_eq!(world.number("SELECT count(*) FROM ledger").await, 0);
    let first = world.service.ensure_first_admin("admin", Some(PASSWORD.into())).await.unwrap();
    assert!(first.unwrap().generated_password.is_none());
    world.verify("admin", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn two_that_start_at_once_make_one() {
    let world = empty().await;
    let (one, other) = tokio::join!(
        world.service.ensure_first_admin("admin", None),
        world.service.ensure_first_admin("admin", None),
    );
    let made = [one.unwrap(), other.unwrap()].into_iter().flatten().count();
    assert_eq!(made, 1);
}
