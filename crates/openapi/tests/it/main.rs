//! Contracts described: one of a shop's, which uses what rules can say, and
//! Roster's.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod operations;
mod page;
mod roster;
mod schemas;
mod shop;
