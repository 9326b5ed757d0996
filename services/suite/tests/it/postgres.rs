//! The whole on PostgreSQL: one database, a schema for each service.

use roster_proto::{
    identity::v1::{DeleteUserRequest, DeletionState, GetDeletionRequest, GetUserRequest},
    persona::v1::{CreatePersonaRequest, Persona},
};
use roster_testkit::{TempPostgres, eventually};
use tonic::Code;

use crate::{client::reason, world::World};

async fn world(database: &TempPostgres) -> World {
    let url = database.url();
    World::with(|config| {
        config.database.url = url;
        config.database.acquire_seconds = 1;
    })
    .await
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn a_user_comes_and_goes_and_what_is_kept_outlives_a_restart() {
    let database = TempPostgres::new().await;
    let world = world(&database).await;
    let mara = world.create_signed_in("mara").await;
    let staying = world.create_signed_in("staying").await;
    let persona = Persona { name: Some("One".to_owned()), ..Persona::default() };
    let request = CreatePersonaRequest { persona: Some(persona), ..Default::default() };
    mara.personas().create_persona(request).await.unwrap();

    let request =
        DeleteUserRequest { user_id: mara.user_id.clone(), ..DeleteUserRequest::default() };
    let deleted = world.admin.users().delete_user(request).await.unwrap().into_inner();
    assert!(!mara.is_signed_in().await);
    let deletion_id = deleted.deletion.unwrap().deletion_id;
    eventually(async || {
        world.settle().await;
        let request = GetDeletionRequest { deletion_id: deletion_id.clone() };
        let answer = world.admin.users().get_deletion(request).await.unwrap();
        answer.into_inner().deletion.unwrap().state() == DeletionState::Complete
    })
    .await;

    // No file holds any of it.
    let mut files = std::fs::read_dir(&world.config.data_dir).unwrap();
    assert!(files.all(|entry| entry.unwrap().path().extension().is_none_or(|it| it != "db")));
    let world = world.restart().await;
    let request = GetUserRequest { user_id: staying.user_id.clone() };
    let user = world.admin.users().get_user(request).await.unwrap().into_inner().user.unwrap();
    assert_eq!(user.username, "staying");
    assert!(world.same_token(&staying).is_signed_in().await);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn a_database_that_is_lost_is_said_to_be_and_used_again_when_it_is_back() {
    let database = TempPostgres::new().await;
    let world = world(&database).await;
    let request = || GetUserRequest { user_id: world.admin.user_id.clone() };
    world.admin.users().get_user(request()).await.unwrap();
    database.lose().await;
    for _ in 0..3 {
        let refused = world.admin.users().get_user(request()).await;
        assert_eq!(reason(refused), (Code::Unavailable, "UNAVAILABLE".to_owned()));
    }
    assert!(!crate::health::is_serving(&world).await);
    database.find_again().await;
    // A connection that was lost a moment ago may be tried once more.
    eventually(async || world.admin.users().get_user(request()).await.is_ok()).await;
    eventually(async || crate::health::is_serving(&world).await).await;
}
