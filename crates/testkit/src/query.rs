//! SQL of tests, which both engines understand.

use roster_db::{Db, Engine};
use sea_orm::{ConnectionTrait as _, Statement};
use uuid::Uuid;

/// Runs statements in a transaction.
pub async fn execute(db: &Db, sql: &str) {
    let tx = db.begin().await.expect("a transaction");
    tx.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    tx.commit().await.expect("a commit");
}

/// The first column of the first row.
pub async fn number(db: &Db, sql: &str) -> i64 {
    let texts = texts(db, sql).await;
    let text = texts.first().unwrap_or_else(|| panic!("{sql}: no row"));
    text.parse().unwrap_or_else(|_| panic!("{sql}: {text} is no number"))
}

/// The first column of all rows. What a column holds differs from engine to
/// engine; as texts numbers and texts do not.
pub async fn texts(db: &Db, sql: &str) -> Vec<String> {
    let as_texts = format!("WITH found(it) AS ({sql}) SELECT CAST(it AS text) FROM found");
    let as_texts = Statement::from_string(db.read().get_database_backend(), as_texts);
    let rows = db.read().query_all_raw(as_texts).await;
    let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.iter().map(|row| row.try_get_by_index(0).expect("a text")).collect()
}

/// SQLite keeps ids as bytes.
pub fn literal(db: &Db, id: Uuid) -> String {
    match db.engine() {
        Engine::Sqlite => format!("x'{}'", id.simple()),
        Engine::Postgres => format!("uuid '{id}'"),
    }
}

/// An id, and 32 bytes.
pub fn random(db: &Db) -> (&'static str, &'static str) {
    match db.engine() {
        Engine::Sqlite => ("randomblob(16)", "randomblob(32)"),
        Engine::Postgres => ("gen_random_uuid()", "sha256(uuid_send(gen_random_uuid()))"),
    }
}

/// PostgreSQL's triggers call functions.
pub async fn on_update(db: &Db, table: &str, column: &str, statement: &str) {
    let when =
        format!("CREATE TRIGGER on_update BEFORE UPDATE OF {column} ON {table} FOR EACH ROW");
    let sql = match db.engine() {
        Engine::Sqlite => format!("{when} BEGIN {statement}; END"),
        Engine::Postgres => format!(
            "CREATE FUNCTION on_update() RETURNS trigger LANGUAGE plpgsql \
             AS $$ BEGIN {statement}; RETURN NEW; END $$; {when} EXECUTE FUNCTION on_update()"
        ),
    };
    execute(db, &sql).await;
}
