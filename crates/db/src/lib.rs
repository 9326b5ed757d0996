//! Connecting, migrating, transactions and classes of error: the only code
//! that knows which storage engine is underneath.

mod batch;
mod connect;
mod error;
mod migrate;
mod refusal;
pub mod replay;
mod timing;
mod tx;

pub use batch::delete_in_batches;
pub use connect::{Db, DbConfig};
pub use error::DbError;
pub use migrate::column;
/// What queries outside a transaction run on: [`Db::read`].
pub use sea_orm::DatabaseConnection;
pub use tx::Tx;
