//! The administrator's guide, promise by promise.

mod departures;
mod editing;
mod passwords;
mod registration;
mod sessions;
mod users;
