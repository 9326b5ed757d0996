//! The Admin Panel: what it answers, whoever asks, and what people do with it in a
//! browser.

mod access;
mod deletion;
mod guide;
mod looks;
mod person;
mod users;
mod visitor;
