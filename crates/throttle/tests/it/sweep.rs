use std::time::Duration;

use roster_throttle::{MOST_ROWS, sweep};

use crate::world::World;

#[tokio::test]
async fn what_is_forgotten_goes_and_what_counts_stays() {
    let world = World::new().await;
    for number in 0..600 {
        world.fail(&[&format!("once {number}")], 1).await;
    }
    world.fail(&["often"], 6).await;
    assert_eq!(sweep(&world.temp.db, world.env.now(), MOST_ROWS).await.unwrap(), 0);
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(sweep(&world.temp.db, world.env.now(), MOST_ROWS).await.unwrap(), 600);
    // Five are remembered, so the next one pays.
    world.fail(&["often"], 1).await;
    world.attempt(&["often"]).await.unwrap_err();
    world.clock.advance(Duration::from_hours(6));
    assert_eq!(sweep(&world.temp.db, world.env.now(), MOST_ROWS).await.unwrap(), 1);
    assert_eq!(world.rows().await, 0);
}

#[tokio::test]
async fn a_flood_of_names_is_bounded_and_pushes_out_none_that_is_under_attack() {
    let world = World::new().await;
    world.fail(&["victim"], 6).await;
    for number in 0..700 {
        world.fail(&[&format!("once {number}")], 1).await;
    }
    assert_eq!(sweep(&world.temp.db, world.env.now(), 100).await.unwrap(), 601);
    assert_eq!(world.rows().await, 100);
    world.attempt(&["victim"]).await.unwrap_err();
}
