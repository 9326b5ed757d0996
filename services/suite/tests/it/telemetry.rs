//! What can be seen from outside: metrics, traces and logs.

pub mod collector;
mod export;
mod listener;
mod orphans;
mod table;
mod values;
