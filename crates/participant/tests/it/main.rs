//! What every participant promises, shown with one that keeps notes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admission;
mod erasure;
mod export;
mod list_subjects;
mod notes;
mod reconcile;
