//! A service that is no part of Roster, in another language: it joins, takes
//! part in everything, and leaves, while all of it runs.

mod client;
mod events;
mod installation;
mod lifecycle;
mod notes;
mod strangers;
