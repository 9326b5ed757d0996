//! The same on PostgreSQL.

use roster_testkit::TempPostgres;

use super::what_waits_is_shown_and_retried;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn what_is_not_confirmed_can_be_seen_and_published_again() {
    let database = TempPostgres::new().await;
    let url = database.url();
    let world = World::with(|config| config.database.url = url).await;
    what_waits_is_shown_and_retried(world).await;
}
