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
//!
//! Those who describe HTTP instead of speaking it read the [`Binding`]s, and need
//! no gRPC for it: without the feature `status` this crate has none.

mod binding;
mod body;
mod code;
mod conditions;
#[cfg(feature = "status")]
mod failure;
mod field;
mod mask;
mod path;
mod query;
mod request;
mod response;
mod routes;
mod unique;

pub use binding::{Binding, Body, InvalidRule};
pub use code::http_status;
pub use conditions::{Conditions, Unmet};
#[cfg(feature = "status")]
pub use failure::Failure;
pub use field::{FieldPath, single_message};
pub use path::{Segment, Template};
pub use request::{Invalid, Violation};
pub use response::{Response, Undecodable};
pub use routes::{Call, NotFound, Routes};
