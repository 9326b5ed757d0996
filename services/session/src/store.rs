//! The tables of this service and the queries that run on them.

pub mod entity;
pub mod familiar;
pub mod migration;
pub mod session;
