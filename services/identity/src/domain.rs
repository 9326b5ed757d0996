//! What an account is, and what holds of it: pure, without input or output.

mod api_key;
mod deletion;
mod export;
mod filter;
mod lookalike;
mod machine_token;
mod page;
mod participant;
mod password;
mod restore;
mod search;
mod statistics;
mod subject;
mod text;
mod user;
mod username;

pub use api_key::{
    ApiKey, ApiKeyChanges, ApiSecret, KeyName, MOST_API_KEYS, Owner, Provider, Sealed,
};
pub use deletion::{
    DeletionRecord, DeletionState, DeletionView, PlannedErasure, Receipt, ReceiptState,
};
pub use export::{Exported, ExportedKind, Manifest, OutOfOrder, Record};
pub use filter::{Cursor, Direction, OrderKey, SortValue, UserFilter, UserOrder};
pub use lookalike::Skeleton;
pub use machine_token::{
    Lifetime, MOST_MACHINE_TOKENS, MachineToken, MachineTokenCursor, TokenName, TokenScope,
};
pub use page::{DeletionCursor, PageRequest};
pub use participant::{InvalidParticipantName, Participant};
pub use password::{
    InvalidPassword, LONGEST_PASSWORD, Password, PasswordPolicy, SHORTEST_PASSWORD,
};
pub use restore::{Amended, Findings, News, Restored, Sighting, changed_fields};
pub use search::folded;
pub use statistics::{DayActivity, DayRange, UserTotals, parse_day};
pub use subject::{Role, State, Subject, Version};
pub use text::{DisplayName, Email};
pub use user::{PasswordFacts, User, UserChanges, UserStatistics};
pub use username::{InvalidUsername, Username};
