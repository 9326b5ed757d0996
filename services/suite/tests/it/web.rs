//! HTTP, as browsers and `curl` speak it, against the real listener.

mod browsers;
pub mod http;
mod json;
mod streams;
