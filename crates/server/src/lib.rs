//! Everything between a socket and a method: what every service of Roster has
//! in front of it, and knows nothing of any of them.

pub mod access;
mod body_limit;
mod caller;
pub mod config;
mod deadline;
pub mod health;
mod malformed;
pub mod metrics;
pub mod networks;
pub mod operations;
pub mod private;
pub mod reflection;
mod refusal;
mod serve;
mod stack;
mod task;
pub mod telemetry;
pub mod tls;
mod trace;
mod upstream;

pub use access::{AccessTable, InvalidDescriptors, Level, MethodAccess, Streams};
pub use body_limit::BodyLimitLayer;
pub use caller::{caller, deadline, outgoing, user};
pub use deadline::{DeadlineLayer, TimeLimits};
pub use networks::Networks;
pub use refusal::{Refusal, Violations};
pub use serve::{Encrypted, Limits, Listener, PeerAddr, PeerService, serve};
pub use stack::{ServiceStack, panicked};
pub use task::Tasks;
pub use trace::{CorrelationId, TraceLayer};
pub use upstream::{Connect, Upstream};
