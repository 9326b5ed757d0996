//! The layers, the upstream, health and the serving of connections, driven
//! through a service that does what its caller tells it.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot begin has failed")]

mod floods;
mod health;
mod hostile;
mod http1;
mod limits;
mod listeners;
mod metrics;
mod serve;
mod stack;
mod tls;
mod upstream;
mod wire;
mod world;
