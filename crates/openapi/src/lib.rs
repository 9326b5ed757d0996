//! What a contract offers over HTTP, described: an OpenAPI document
//! (<https://spec.openapis.org/oas/v3.1.1>) and a page for people to read.
//! Everything comes from the descriptors, their comments included: this crate
//! knows no service.
//!
//! [`Api`] is what is read. It is as `roster_transcode` acts by the same rules:
//! what a request may hold is described as widely as it is taken (proto3 JSON takes
//! a number as a text, too), and what an answer holds as narrowly as it is written.

mod access;
mod api;
mod comment;
mod document;
mod example;
mod failure;
mod operation;
mod page;
mod rules;
mod schema;

pub use access::Level;
pub use api::{About, Api};
pub use page::Page;
