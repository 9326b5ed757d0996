//! A schema is put back.

mod apart;

use roster_testkit::TempPostgres;

use super::{Cast, NEW_PASSWORD, complete_deletions, create_persona, offline};
use crate::world::{PASSWORD, World};

async fn world(database: &TempPostgres) -> World {
    let url = database.url();
    World::with(|config| config.database.url = url).await
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn nobody_comes_back_with_any_service_that_is_put_back() {
    for service in ["identity", "session", "persona"] {
        let database = TempPostgres::new().await;
        let world = world(&database).await;
        let cast = Cast::sign_up(&world).await;
        let backup = world.config.data_dir.join("backup");
        let world = world.restart_after(|| database.dump(service, &backup)).await;
        let cast = cast.at(&world);
        cast.meet_their_fate(&world).await;
        let later = world.create_signed_in("later").await;
        create_persona(&later).await;
        let world = world
            .restart_around(async |config, env| {
                database.put_back(&backup);
                let mut suite = offline(config, env).await;
                assert_eq!(suite.listen(config).await.is_err(), service == "identity");
                suite.stop().await;
                let suite = offline(config, env).await;
                if service == "identity" {
                    let restored = suite.restore_identity(false).await.unwrap();
                    assert_eq!((restored.deleted.len(), restored.unknown.len()), (1, 1));
                } else if service == "session" {
                    suite.end_all_sessions().await.unwrap();
                }
                suite.stop().await;
            })
            .await;
        let (cast, later) = (cast.at(&world), world.same_token(&later));
        assert_eq!(later.is_signed_in().await, service == "persona");
        assert_eq!(cast.staying.is_signed_in().await, service != "session");
        let password = if service == "identity" { PASSWORD } else { NEW_PASSWORD };
        cast.stay_where_they_are(&world, password).await;
        let gone = complete_deletions(&world).await;
        assert_eq!(gone.len(), if service == "identity" { 2 } else { 1 });
    }
}
