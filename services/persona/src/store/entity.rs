//! The rows of this service's own tables.

pub mod annotation;
pub mod ontology;
pub mod persona;
