//! What a session is: types and their invariants, without any I/O.

mod account;
mod filter;
mod page;
mod session;

pub use account::account;
pub use filter::{SessionFilter, parse_address};
pub use page::Cursor;
pub use session::{Lifetimes, Session, UserAgent};
