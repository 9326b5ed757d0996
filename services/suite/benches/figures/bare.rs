//! What Roster is compared with: the same libraries and nothing of Roster.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use roster_db::{Db, DbConfig};
use roster_identity::HashParams;
use sea_orm::{ConnectionTrait as _, DatabaseBackend, Statement, Value};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Server};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::{client, measure::Subject};

/// The gRPC library's own server with a method that answers a constant, on a
/// listener of its own. Served for as long as the answer lives.
pub async fn server() -> (JoinSet<()>, Channel) {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status("", tonic_health::ServingStatus::Serving).await;
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let incoming = TcpListenerStream::new(listener);
        Server::builder().add_service(health).serve_with_incoming(incoming).await.unwrap();
    });
    (serving, client::connect(address).await)
}

/// A call of [`server`]'s method.
pub fn call(calls: usize, channel: &Channel) -> Subject {
    let channel = channel.clone();
    Subject::new(calls, move || {
        let mut client = HealthClient::new(channel.clone());
        async move {
            client.check(HealthCheckRequest::default()).await.unwrap();
        }
    })
}

/// One row by a unique index, of one of Roster's own files and with its pool.
pub fn read(calls: usize, db: &Db, sql: &'static str, key: Vec<u8>) -> Subject {
    let db = db.clone();
    Subject::new(calls, move || {
        let (db, key) = (db.clone(), key.clone());
        async move {
            let values = [Value::from(key)];
            let read = Statement::from_sql_and_values(DatabaseBackend::Sqlite, sql, values);
            let row = db.read().query_one_raw(read).await.unwrap().unwrap();
            row.try_get_by_index::<Vec<u8>>(0).unwrap();
        }
    })
}

/// A database of one table: rows with an owner, which is indexed.
pub struct Table {
    db: Db,
    _folder: TempDir,
}

impl Table {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&DbConfig::new(folder.path().join("bare.db"))).await.unwrap();
        let tx = db.begin().await.unwrap();
        for sql in [
            "CREATE TABLE bare (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL, text TEXT NOT NULL)",
            "CREATE INDEX bare_owner ON bare (owner)",
        ] {
            tx.execute_unprepared(sql).await.unwrap();
        }
        tx.commit().await.unwrap();
        Self { db, _folder: folder }
    }

    /// A row in a transaction of its own, durable.
    pub fn insert(&self, ops: usize) -> Subject {
        let db = self.db.clone();
        Subject::new(ops, move || {
            let db = db.clone();
            async move {
                let sql = "INSERT INTO bare (owner, text) VALUES (0, 'a text of some length')";
                commit(&db, sql).await;
            }
        })
    }

    /// Adds `rows` rows of one owner.
    pub async fn fill(&self, rows: usize) {
        let sql = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
             INSERT INTO bare (owner, text) SELECT 1, 'a text of some length' FROM n"
        );
        commit(&self.db, &sql).await;
    }

    /// Deletes what [`Table::fill`] has added.
    pub async fn delete_filled(&self) {
        commit(&self.db, "DELETE FROM bare WHERE owner = 1").await;
    }
}

/// One statement in a transaction of its own, durable.
async fn commit(db: &Db, sql: &str) {
    let tx = db.begin().await.unwrap();
    tx.execute_unprepared(sql).await.unwrap();
    tx.commit().await.unwrap();
}

/// A hash of a password over memory that is used again.
pub fn hash(hashes: usize, cost: HashParams) -> Subject {
    let params = Params::new(cost.memory_kib, cost.iterations, cost.lanes, Some(32)).unwrap();
    let memory = Arc::new(Mutex::new(vec![Block::new(); params.block_count()]));
    Subject::new(hashes, move || {
        let (memory, params) = (Arc::clone(&memory), params.clone());
        let done = tokio::task::spawn_blocking(move || {
            let argon = Argon2::new(Algorithm::Argon2id, Version::default(), params);
            let (mut output, mut memory) = ([0_u8; 32], memory.lock().unwrap());
            let blocks = memory.as_mut_slice();
            argon.hash_password_into_with_memory(
                b"password",
                b"a salt of 16 b..",
                &mut output,
                blocks,
            )
        });
        async move { done.await.unwrap().unwrap() }
    })
}
