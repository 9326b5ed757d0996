//! The rows of this service's own tables.

pub mod familiar;
pub mod session;
