//! The tables of this service and the queries that run on them.

pub mod annotation;
pub mod entity;
pub mod migration;
pub mod ontology;
pub mod owned;
pub mod persona;
