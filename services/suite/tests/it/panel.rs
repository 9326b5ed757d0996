//! The Admin Panel: what it answers, whoever asks, and what people do with it in a
//! browser.

mod access;
mod account;
mod attacks;
mod deletion;
mod guide;
mod keys;
mod looks;
mod person;
mod personas;
mod rounds;
mod sessions;
mod statistics;
mod users;
mod visitor;
