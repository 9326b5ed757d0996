//! What every service that keeps data about users does the same way.
//!
//! It keeps one row for each user it knows of ([`subjects`]), so that nothing
//! can be created behind a deletion's back; it erases what it keeps of a
//! deleted user and sends a receipt ([`Participant`]); it catches up with the
//! identity service's ledger ([`Reconciler`]); and it says how much it keeps
//! and hands it out ([`SubjectDataRpc`]).

mod agreement;
mod data;
mod erasure;
mod events;
mod export;
mod measure;
pub mod migration;
mod participant;
mod reconcile;
mod rpc;
mod subject;
pub mod subjects;

pub use agreement::Agreement;
pub use data::{Place, SubjectData};
pub use erasure::Counts;
pub use participant::Participant;
pub use reconcile::{ReconcileError, ReconcileReport, Reconciler};
pub use rpc::SubjectDataRpc;
pub use subject::{InvalidSubject, Role, State, Subject, Version};
