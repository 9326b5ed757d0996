//! PostgreSQL databases that vanish with the test.

mod server;

use std::{future::Future, net::ToSocketAddrs as _, path::Path, process::Command, thread};

use roster_db::{DatabaseUrl, Db};
use sea_orm::{
    ConnectionTrait as _, Database, DatabaseBackend, Statement, sqlx::postgres::PgConnectOptions,
};
use tokio::runtime;

use crate::{Link, Target};

pub use server::OwnPostgres;

/// The variable that names the PostgreSQL server on which tests make their
/// databases: a URL without a database, of a user who may make some. `cargo
/// xtask test` starts one and sets it.
pub const POSTGRES: &str = "ROSTER_TEST_POSTGRES";

/// An empty PostgreSQL database of its own, removed when dropped.
#[derive(Debug)]
pub struct TempPostgres {
    name: String,
}

impl TempPostgres {
    /// Whether tests run on PostgreSQL.
    #[must_use]
    pub fn wanted() -> bool {
        server().is_some()
    }

    /// A new database.
    ///
    /// # Panics
    ///
    /// When the environment names no server, or the server makes none.
    pub async fn new() -> Self {
        let name = format!("test_{:032x}", rand::random::<u128>());
        execute(&format!("CREATE DATABASE {name}")).await;
        Self { name }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> DatabaseUrl {
        DatabaseUrl::new(database_url(&self.name))
    }

    /// A link to the server, and where the database is over it.
    ///
    /// # Panics
    ///
    /// When the server is nowhere.
    #[must_use]
    pub fn linked(&self) -> (Link, DatabaseUrl) {
        let url = database_url(&self.name);
        let server: PgConnectOptions = url.parse().expect("the URL of a database");
        let port = server.get_port();
        let target = if let Some(folder) = server.get_socket() {
            Target::Unix(folder.join(format!(".s.PGSQL.{port}")))
        } else {
            let addresses = (server.get_host(), port).to_socket_addrs();
            Target::Tcp(addresses.expect("a name").next().expect("an address"))
        };
        let link = Link::to(target);
        let (place, options) = url.split_once('?').unwrap_or((&url, ""));
        let place_of = |option: &&str| option.starts_with("host=") || option.starts_with("port=");
        let others: Vec<_> = options.split('&').filter(|it| !place_of(it)).collect();
        let (others, address) = (others.join("&"), link.address());
        let over = format!("{place}?host={}&port={}&{others}", address.ip(), address.port());
        (link, DatabaseUrl::new(over))
    }

    /// Ends all connections to it, and lets nobody make new ones.
    ///
    /// # Panics
    ///
    /// When the server does not.
    pub async fn lose(&self) {
        let name = &self.name;
        execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity";
        execute(&format!("{end} WHERE datname = '{name}'")).await;
    }

    /// Writes a schema into a file, with `pg_dump`.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    pub fn dump(&self, schema: &str, file: &Path) {
        let mut dump = Command::new("pg_dump");
        dump.args(["--format=custom", "--schema", schema, "--file"]).arg(file);
        run(dump.arg(database_url(&self.name)));
    }

    /// Puts such a file in the place of what is there, with `pg_restore`.
    ///
    /// # Panics
    ///
    /// When it cannot be put there.
    pub fn put_back(&self, file: &Path) {
        let mut restore = Command::new("pg_restore");
        restore.args(["--clean", "--if-exists", "--single-transaction", "--dbname"]);
        run(restore.arg(database_url(&self.name)).arg(file));
    }

    /// Lets it be connected to again.
    ///
    /// # Panics
    ///
    /// When the server does not.
    pub async fn find_again(&self) {
        execute(&format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.name)).await;
    }
}

impl Drop for TempPostgres {
    fn drop(&mut self) {
        // Whoever still has a connection is left without: the test is over.
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        // In a thread of its own, as the test's may have no time left to wait.
        let dropped = thread::spawn(move || apart(execute(&drop))).join();
        if !thread::panicking() {
            dropped.expect("a database that can be dropped");
        }
    }
}

/// Every row of every table, as text.
pub async fn rows(db: &Db) -> String {
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()";
    let mut rows = String::new();
    for table in texts(db, tables).await {
        for row in texts(db, &format!("SELECT t::text FROM \"{table}\" t")).await {
            rows += &row;
        }
    }
    rows
}

/// The plan of a query. Tables of tests are small, so that reading all of them
/// and sorting is the cheapest: that is forbidden, and happens only where
/// there is no other way.
pub async fn plan(db: &Db, query: &str) -> String {
    let tx = db.begin().await.expect("a transaction");
    for cheap in ["seqscan", "bitmapscan", "sort"] {
        let never = format!("SET LOCAL enable_{cheap} = off");
        tx.execute_unprepared(&never).await.expect("a setting that is set");
    }
    let explain = Statement::from_string(DatabaseBackend::Postgres, format!("EXPLAIN {query}"));
    let rows = tx.query_all_raw(explain).await.expect("a plan");
    let lines = rows.iter().map(|row| row.try_get_by_index(0).expect("a line of the plan"));
    lines.collect::<Vec<String>>().join("\n")
}

/// Bytes as they are written within such a text.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

async fn texts(db: &Db, query: &str) -> Vec<String> {
    let query = Statement::from_string(DatabaseBackend::Postgres, query);
    let rows = db.read().query_all_raw(query).await.expect("rows that can be read");
    rows.iter().map(|row| row.try_get_by_index(0).expect("a text")).collect()
}

/// Runs a program to its end.
fn run(program: &mut Command) {
    let ended = program.output().expect("a program of PostgreSQL's");
    assert!(ended.status.success(), "{program:?}: {}", String::from_utf8_lossy(&ended.stderr));
}

/// Runs `work` where no other runtime is.
fn apart(work: impl Future<Output = ()>) {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work);
}

/// Runs a statement in the server's own database.
async fn execute(statement: &str) {
    let connection = Database::connect(database_url("postgres")).await;
    let connection = connection.expect("a server that answers");
    connection.execute_unprepared(statement).await.expect("a statement that runs");
    connection.close().await.expect("a connection that closes");
}

/// The server's URL with `database` in its path.
fn database_url(database: &str) -> String {
    let server = server().unwrap_or_else(|| panic!("{POSTGRES} names no server"));
    let (authority, options) = server.split_once('?').unwrap_or((&server, ""));
    format!("{}/{database}?{options}", authority.trim_end_matches('/'))
}

#[expect(clippy::disallowed_methods, reason = "whoever runs the tests chooses the engine")]
fn server() -> Option<String> {
    std::env::var(POSTGRES).ok()
}
