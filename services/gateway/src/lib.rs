//! The edge: one public listener in front of every service.
//!
//! It finds the method that a call is for, establishes who is calling, holds
//! the method's access rule, and forwards the bytes of the call undecoded.
//! It knows no business rule: what a method means is its service's matter.
//!
//! # Adding a service
//!
//! Its package is given an upstream in [`build`]; its methods, their access
//! rules and its place in reflection follow from the descriptor set.

mod config;
pub mod docs;
mod error;
mod layer;
mod local;
mod origin;
mod panel;
mod route;
mod service;
mod web;

pub use config::GatewayConfig;
pub use error::Error;
pub use local::{LocalDeps, build_local};
pub use route::{RouteTable, UnroutedService};
pub use service::{BuildError, Deps, build};
pub use web::BadContract;
