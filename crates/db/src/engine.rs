//! What is different from engine to engine.

pub mod postgres;
pub mod sqlite;
