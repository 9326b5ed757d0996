//! What an account is, and what holds of it: pure, without input or output.

mod deletion;
mod filter;
mod page;
mod password;
mod search;
mod subject;
mod text;
mod user;
mod username;

pub use deletion::{DeletionRecord, DeletionState, DeletionView, Receipt, ReceiptState};
pub use filter::{Cursor, Direction, OrderKey, SortValue, UserFilter, UserOrder};
pub use page::{DeletionCursor, PageRequest};
pub use password::{
    InvalidPassword, LONGEST_PASSWORD, Password, PasswordPolicy, SHORTEST_PASSWORD,
};
pub use search::folded;
pub use subject::{Role, State, Subject, Version};
pub use text::{DisplayName, Email};
pub use user::{User, UserChanges, UserStatistics};
pub use username::{InvalidUsername, Username};
