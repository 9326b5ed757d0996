//! The Admin Panel: pages for people, made here and filled by calls through the
//! edge, as whoever is signed in. It has no rights of its own.
//!
//! # Adding a page
//!
//! A module with `router()`, merged below; its handlers take [`edge::Edge`] for
//! calls, [`visit::SignedIn`] or [`visit::Admin`] for who looks at it, and answer
//! with an [`ui::Page`]. What fails is handed on as a [`stop::Stop`].

mod account;
mod assets;
mod deletions;
mod edge;
mod form;
mod home;
mod keys;
mod link;
mod notice;
mod password;
mod register;
mod sessions;
mod sign_in;
mod statistics;
mod stop;
mod system_keys;
mod ui;
mod users;
mod visit;

use axum::{Router, extract::DefaultBodyLimit, middleware::from_fn_with_state};
use roster_kernel::Env;
use roster_server::Upstream;

use self::stop::Stop;

/// The longest form: names and ids of a thousand personas.
const MOST_FORM_BYTES: usize = 64 * 1024;

/// What pages are made from.
#[derive(Clone, Debug)]
struct Panel {
    /// The whole edge.
    edge: Upstream,
    /// Time and randomness.
    env: Env,
}

/// The pages. `edge` is the whole edge, for calls in gRPC.
pub fn router(edge: Upstream, env: Env) -> Router {
    let panel = Panel { edge, env };
    Router::new()
        .merge(home::router())
        .merge(sign_in::router())
        .merge(register::router())
        .merge(password::router())
        .merge(users::router())
        .merge(deletions::router())
        .merge(sessions::router())
        .merge(system_keys::router())
        .merge(statistics::router())
        .merge(account::router())
        .fallback(async || Stop::Missing)
        .method_not_allowed_fallback(async || Stop::Missing)
        // A form of people is short.
        .layer(DefaultBodyLimit::max(MOST_FORM_BYTES))
        // Who looks at the page is known before it is made, and what stopped it
        // becomes a page, too.
        .layer(from_fn_with_state(panel.clone(), visit::layer))
        // The stylesheet is the same for everybody.
        .merge(assets::router())
        .with_state(panel)
}
