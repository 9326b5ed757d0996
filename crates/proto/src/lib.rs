//! Roster's contracts as Rust: the code generated from `proto/`, and the
//! descriptor set that access rules, reflection and tests are driven by.

/// Every file under `proto/` with its imports, comments and options, as an
/// encoded `google.protobuf.FileDescriptorSet`.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

pub mod time;

macro_rules! package {
    ($module:ident, $name:literal) => {
        #[doc = concat!("Package `", $name, "`.")]
        pub mod $module {
            /// Version 1 of the contract.
            pub mod v1 {
                tonic::include_proto!($name);
            }
        }
    };
}

/// The `roster` packages.
mod roster {
    package!(access, "roster.access.v1");
    package!(event, "roster.event.v1");
    package!(identity, "roster.identity.v1");
    package!(persona, "roster.persona.v1");
    package!(session, "roster.session.v1");
    package!(subject, "roster.subject.v1");
}

pub use roster::{access, event, identity, persona, session, subject};

/// `Debug` of the messages that carry secrets: without them.
mod debug {
    include!(concat!(env!("OUT_DIR"), "/debug.rs"));
}

/// The envelope of events.
pub mod cloudevents {
    /// Version 1.0 of the specification.
    pub mod v1 {
        tonic::include_proto!("io.cloudevents.v1");
    }
}
