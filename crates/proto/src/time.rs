//! Times on the wire.

use chrono::DateTime;
use prost_types::Timestamp;

/// A time as the wire carries it.
#[must_use]
pub fn to_proto(at: roster_kernel::Timestamp) -> Timestamp {
    Timestamp {
        seconds: at.timestamp(),
        nanos: i32::try_from(at.timestamp_subsec_nanos()).unwrap_or(0),
    }
}

/// A time from the wire, cut to whole microseconds; `None` outside the range
/// that a calendar date can have.
#[must_use]
pub fn from_proto(at: Timestamp) -> Option<roster_kernel::Timestamp> {
    let nanos = u32::try_from(at.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    DateTime::from_timestamp(at.seconds, nanos).map(roster_kernel::to_micros)
}
