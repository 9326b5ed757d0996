//! HTTP/JSON to gRPC and back, as the `google.api.http` annotations of a
//! contract say
//! (<https://github.com/googleapis/googleapis/blob/master/google/api/http.proto>,
//! AIP-127). Everything comes from the descriptors: this crate knows no service.
//!
//! [`Routes`] finds the method that a path and an HTTP method mean. The
//! [`Call`] that it answers makes the method's request out of path, query and
//! body, and JSON (<https://protobuf.dev/programming-guides/json>) out of its
//! response. [`Failure`] is what a call that failed becomes, and [`Conditions`] are
//! what headers say.

mod binding;
mod body;
mod conditions;
mod failure;
mod field;
mod mask;
mod path;
mod query;
mod request;
mod response;
mod routes;
mod unique;

pub use binding::InvalidRule;
pub use conditions::{Conditions, Unmet};
pub use failure::Failure;
pub use request::{Invalid, Violation};
pub use response::{Response, Undecodable};
pub use routes::{Call, NotFound, Routes};
