//! What a session is: types and their invariants, without any I/O.

mod filter;
mod page;
mod session;
mod token;

pub use filter::{SessionFilter, parse_address};
pub use page::Cursor;
pub use session::{Lifetimes, Session, UserAgent};
pub use token::{SessionToken, TokenHash};
