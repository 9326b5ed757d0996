//! HTTP to gRPC and back, by the rules of a library's contract and of Roster's.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conditions;
mod contract;
mod failure;
mod library;
mod request;
mod response;
mod routes;
mod rules;
