use crate::world::{DAY, World, eventually};

#[tokio::test]
async fn expired_sessions_are_cleared_away_and_others_stay() {
    let world = World::new().await;
    world.swept().await;
    world.signed_in("ann").await;
    world.multiply(1_200).await;
    world.advance(6 * DAY);
    let later = world.log_in("ann").await;
    assert_eq!(world.rows().await, 1_201);
    world.swept().await;
    world.advance(DAY);
    eventually(async || world.rows().await == 1).await;
    world.authenticate(&later.token).await.unwrap();
}
