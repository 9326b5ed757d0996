//! The edge in front of services that only note what reaches them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod docs;
mod edge;
mod forwarding;
mod http_paths;
mod log;
mod overload;
mod panel;
mod recheck;
mod refusals;
mod requests;
mod routes;
mod streams;
