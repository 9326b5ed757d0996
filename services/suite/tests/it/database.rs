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

/// Has each `event` on a table fail for the rows for which `when` holds, until
/// [`unstick`].
pub async fn stick(config: &DbConfig, event: &str, table: &str, when: &str) {
    let trigger =
        format!("create trigger stuck before {event} on {table} for each row when ({when})");
    let sql = match config {
        DbConfig::Sqlite(_) => format!("{trigger} begin select raise(abort, 'stuck'); end"),
        DbConfig::Postgres(_) => format!(
            "create function stuck() returns trigger language plpgsql \
             as $$ begin raise exception 'stuck'; end $$; \
             {trigger} execute function stuck()"
        ),
    };
    execute_in(config, &sql).await;
}

/// Has it succeed again.
pub async fn unstick(config: &DbConfig, table: &str) {
    let sql = match config {
        DbConfig::Sqlite(_) => "drop trigger stuck".to_owned(),
        DbConfig::Postgres(_) => format!("drop trigger stuck on {table}; drop function stuck()"),
    };
    execute_in(config, &sql).await;
}

/// An id as it is written in SQL: SQLite keeps bytes.
pub fn literal(config: &DbConfig, id: &str) -> String {
    match config {
        DbConfig::Sqlite(_) => format!("x'{}'", id.replace('-', "")),
        DbConfig::Postgres(_) => format!("uuid '{id}'"),
    }
}

/// The tables of a PostgreSQL schema, each with its rows as texts: binary values
/// as they are, which is not how PostgreSQL prints them.
pub async fn dump(config: &DbConfig) -> Vec<(String, Vec<u8>)> {
    let tables = "select tablename::text from pg_tables where schemaname = current_schema()";
    let mut dump = Vec::new();
    for table in column_of::<String>(config, tables).await {
        let rows: Vec<String> =
            column_of(config, &format!("select t::text from \"{table}\" t")).await;
        let text = rows.concat();
        let binary = text.split("\\\\x").skip(1).flat_map(hex_bytes).collect::<Vec<_>>();
        dump.push((table, [text.into_bytes(), binary].concat()));
    }
    dump
}

/// The bytes that a text begins with in hexadecimal.
fn hex_bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().map_while(|it| it.to_digit(16)).collect();
    digits.chunks_exact(2).map(|it| u8::try_from(it[0] * 16 + it[1]).unwrap()).collect()
}
