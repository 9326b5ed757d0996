//! An example of a program that administers users: how it connects, with a
//! machine token through the edge or with a certificate of its own to the
//! identity service; how it reads lists; and how it changes something so that
//! nothing happens twice.

mod connection;
mod explain;
mod users;

pub use connection::{Connection, Credential, Server, connect};
pub use explain::explain;
pub use users::{NewUser, create_user, list_users};
