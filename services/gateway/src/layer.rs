//! The layers of the edge, one file each.

pub mod access;
pub mod caller;
pub mod correlation;
pub mod forward;
pub mod log;
pub mod overload;
pub mod protocol;
pub mod recheck;
pub mod request;
pub mod routing;
pub mod streams;
