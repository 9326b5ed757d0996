//! Connecting, migrating, transactions and classes of error: the only code
//! that knows which storage engine is underneath.

mod batch;
mod config;
mod connect;
mod engine;
mod error;
mod hold;
mod migrate;
mod pool;
mod postgres;
mod refusal;
pub mod replay;
mod timing;
mod tx;

pub use batch::delete_in_batches;
pub use config::{DbConfig, Engine, SqliteConfig};
pub use connect::{Db, News};
pub use error::DbError;
pub use hold::{Claim, Hold};
pub use migrate::column;
pub use pool::{Begun, Pool};
pub use postgres::{DatabaseUrl, PoolConfig, PostgresConfig};
pub use tx::Tx;
