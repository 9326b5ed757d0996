//! What deploy/OPERATIONS.md shows is what happens: its commands, run as they
//! stand, against real processes of every service.

mod installation;
mod postgres;
