//! Databases of the time when searches looked at lower case.

use roster_db::Db;
use roster_identity::Migrator;
use sea_orm::ConnectionTrait;

use crate::world::World;

#[tokio::test]
async fn what_was_stored_then_is_folded_again() {
    let world = World::new().await;
    let tx = world.temp.db.begin().await.unwrap();
    // More than are read together.
    for number in 0..1_100 {
        let insert = format!(
            "INSERT INTO \"user\" SELECT {}, 'user{number}', 'Straße', '', 'straße', etag, \
             created_at, updated_at, last_login_at, '' FROM \"user\" WHERE username = 'root'",
            world.temp.literal(world.env.uuid())
        );
        tx.execute_unprepared(&insert).await.unwrap();
    }
    let forget = "DELETE FROM seaql_migrations WHERE version = 'm0002_search_text'";
    tx.execute_unprepared(forget).await.unwrap();
    tx.commit().await.unwrap();
    let folded = "SELECT count(*) FROM \"user\" WHERE search_text LIKE '%strasse%'";
    assert_eq!(world.number(folded).await, 0);
    let applied = Db::migrate::<Migrator>(&world.temp.config).await.unwrap();
    assert_eq!(applied, ["m0002_search_text"]);
    assert_eq!(world.number(folded).await, 1_100);
}
