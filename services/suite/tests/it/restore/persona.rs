//! The database of personas is put back.

use super::{Cast, NEW_PASSWORD, back_up, complete_deletions, personas, put_back};
use crate::{
    binary::{self, command},
    cascade::orphans,
    database,
    world::World,
};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_comes_back_of_a_deleted_user_with_a_restored_persona_service() {
    for with_command in [false, true] {
        let world = World::new().await;
        let cast = Cast::sign_up(&world).await;
        let world = back_up(world, "persona").await;
        let cast = cast.at(&world);
        cast.meet_their_fate(&world).await;
        let world = world
            .restart_around(async |config, _env| {
                put_back(config, "persona");
                let kept = "select count(*) from persona";
                assert_eq!(database::count(&config.data_dir.join("persona.db"), kept).await, 6);
                if with_command {
                    let mut restore = command(config.data_dir.parent().unwrap());
                    restore.args(["restore", "persona"]);
                    let ended = binary::run(restore);
                    assert_eq!(ended.code, Some(0), "{ended:?}");
                    let erased = "1 deleted users erased";
                    assert!(ended.stdout.lines().any(|line| line.ends_with(erased)), "{ended:?}");
                    let left = database::count(&config.data_dir.join("persona.db"), kept).await;
                    assert_eq!(left, 5);
                }
            })
            .await;
        let cast = cast.at(&world);
        assert_eq!(orphans(&world).await, 0);
        // The process has the real clock, by which all sessions have expired.
        assert_eq!(personas(&world.sign_in("staying").await).await, 1);
        assert_eq!(complete_deletions(&world).await.len(), 1);
        cast.stay_where_they_are(&world, NEW_PASSWORD).await;
    }
}
