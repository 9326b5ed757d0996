//! Roster as its users meet it: over gRPC, through the edge, with every
//! service behind it.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod api_keys;
mod binary;
mod canary;
mod cascade;
mod chaos;
mod client;
mod cluster;
mod contracts;
mod cuts;
mod database;
mod deploy;
mod events_command;
mod examples;
mod grpc_web;
mod guessing;
mod guide;
mod health;
mod hostile;
mod hot_loop;
mod internal_socket;
mod kill;
mod machine_tokens;
mod odd_data;
mod openapi;
mod operations;
mod oversight;
mod panel;
mod participants;
mod postgres;
mod process;
mod races;
mod readme;
mod restore;
mod rotate_keys;
mod storage;
mod strangers;
mod telemetry;
mod tls;
mod web;
mod whole;
mod world;
