//! What should not be left of a deleted user is noticed when it is.

use std::time::Duration;

use roster_proto::{
    identity::v1::DeleteUserRequest,
    persona::v1::{CreatePersonaRequest, Persona},
};
use roster_testkit::rest;

use crate::{binary::PATIENCE, database, world::World};

/// Lets hours pass until a scrape holds `line`.
async fn shown(world: &World, line: &str) {
    let found = async {
        while !world.suite.scrape().lines().any(|it| it == line) {
            world.clock.advance(Duration::from_hours(1));
            rest().await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, found).await;
    assert!(found.is_ok(), "{line}: {}", world.suite.scrape());
}

#[tokio::test]
async fn rows_of_erased_users_are_counted() {
    let none = r#"roster_orphans{roster_kind="personas",roster_service="persona"} 0"#;
    let one = r#"roster_orphans{roster_kind="personas",roster_service="persona"} 1"#;
    let world = World::new().await;
    let leaving = world.create_signed_in("leaving").await;
    let request = DeleteUserRequest { user_id: leaving.user_id.clone(), ..Default::default() };
    world.drive(world.admin.users().delete_user(request)).await.unwrap();
    world.settle().await;
    shown(&world, none).await;

    // What is in the ledger for the first time would be erased again.
    for (_service, report) in world.suite.reconcile().await {
        report.unwrap();
    }
    // Past the lock of the user's row, as only a defect could.
    let staying = world.create_signed_in("staying").await;
    let persona = Persona { name: Some("One".to_owned()), ..Persona::default() };
    let request = CreatePersonaRequest { persona: Some(persona), ..Default::default() };
    staying.personas().create_persona(request).await.unwrap();
    let deleted = "(SELECT user_id FROM subject WHERE state = 'deleted')";
    let moved = format!("UPDATE persona SET user_id = {deleted}");
    database::execute_in(&world.tables("persona"), &moved).await;
    shown(&world, one).await;

    database::execute_in(&world.tables("persona"), "DELETE FROM persona").await;
    shown(&world, none).await;
}
