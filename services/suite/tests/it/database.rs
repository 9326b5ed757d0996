//! A service's database, from beside the service.

use std::path::Path;

use roster_db::{Db, DbConfig};
use sea_orm::{ConnectionTrait, Statement, TryGetable};

/// Runs a statement, and commits it.
pub async fn execute(file: &Path, sql: &str) {
    execute_in(&DbConfig::new(file.to_owned()), sql).await;
}

/// The same, whichever engine keeps the tables.
pub async fn execute_in(config: &DbConfig, sql: &str) {
    let db = Db::open(config).await.unwrap();
    let tx = db.begin().await.unwrap();
    tx.execute_unprepared(sql).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await.unwrap();
}

/// The first column of what a query finds.
pub async fn column<T: TryGetable>(file: &Path, sql: &str) -> Vec<T> {
    column_of(&DbConfig::new(file.to_owned()), sql).await
}

/// The same, whichever engine keeps the tables.
pub async fn column_of<T: TryGetable>(config: &DbConfig, sql: &str) -> Vec<T> {
    let db = Db::open(config).await.unwrap();
    let query = Statement::from_string(db.read().get_database_backend(), sql);
    let rows = db.read().query_all_raw(query).await.unwrap();
    let values = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    db.close().await.unwrap();
    values
}

/// What a query counts.
pub async fn count(file: &Path, sql: &str) -> i64 {
    column(file, sql).await[0]
}

/// What a query counts, whichever engine keeps the tables.
pub async fn count_of(config: &DbConfig, sql: &str) -> i64 {
    column_of(config, sql).await[0]
}
