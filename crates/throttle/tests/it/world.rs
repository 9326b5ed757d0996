//! A database with the table and nothing else.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use roster_kernel::Env;
use roster_testkit::{MockClock, TempDb};
use roster_throttle::{
    Counted, Keys, Limit, Migration, Reservation, ThrottleError, give_back, reserve,
};
use sea_orm::{ConnectionTrait, DatabaseBackend, Statement};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Migration)]
    }
}

pub struct World {
    pub clock: Arc<MockClock>,
    pub env: Env,
    pub temp: TempDb,
}

/// Five free, then a second, two, … up to a minute; one forgotten each hour.
pub const LIMIT: Limit = Limit {
    free: 5,
    first_wait: TimeDelta::seconds(1),
    longest_wait: TimeDelta::minutes(1),
    forgiven_every: TimeDelta::hours(1),
    most: 100,
};

pub fn counted(name: &str) -> Counted {
    Counted { key: Keys::new([7; 32]).key("test", &[name.as_bytes()]), limit: LIMIT }
}

impl World {
    pub async fn new() -> Self {
        let (clock, env) = roster_testkit::env(1);
        Self { clock, env, temp: TempDb::new::<Migrator>().await }
    }

    /// Makes an attempt that counts against all of `names`; answers how long
    /// to wait where it is refused.
    pub async fn attempt(&self, names: &[&str]) -> Result<Reservation, Duration> {
        let against = names.iter().map(|name| counted(name)).collect();
        match reserve(&self.temp.db, self.env.now(), against).await {
            Ok(reservation) => Ok(reservation),
            Err(ThrottleError::Throttled(wait)) => Err(wait),
            Err(ThrottleError::Db(error)) => panic!("{error:?}"),
        }
    }

    /// Fails as often as told.
    pub async fn fail(&self, names: &[&str], times: u32) {
        for _ in 0..times {
            self.attempt(names).await.unwrap();
        }
    }

    pub async fn succeed(&self, reservation: &Reservation) {
        let tx = self.temp.db.begin().await.unwrap();
        give_back(&tx, self.env.now(), reservation).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn rows(&self) -> i64 {
        let count =
            Statement::from_string(DatabaseBackend::Sqlite, "SELECT count(*) FROM throttle");
        let row = self.temp.db.read().query_one_raw(count).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }
}
