//! What can be seen from outside: metrics, traces and logs.

mod collector;
mod export;
mod listener;
mod orphans;
mod table;
