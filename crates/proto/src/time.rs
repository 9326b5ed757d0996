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

/// The first second of the year 1 and the last of the year 9999: what the
/// contract of `google.protobuf.Timestamp` allows. Storage compares times as
/// text, which is right for years of four digits only.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// A time from the wire, cut to whole microseconds; `None` outside the years
/// 1 to 9999.
#[must_use]
pub fn from_proto(at: Timestamp) -> Option<roster_kernel::Timestamp> {
    if !SECONDS.contains(&at.seconds) {
        return None;
    }
    let nanos = u32::try_from(at.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    DateTime::from_timestamp(at.seconds, nanos).map(roster_kernel::to_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_years_of_four_digits_are_times() {
        let read = |seconds, nanos| from_proto(Timestamp { seconds, nanos }).is_some();
        assert!(read(*SECONDS.start(), 0) && read(*SECONDS.end(), 999_999_999));
        assert!(!read(*SECONDS.start() - 1, 0) && !read(*SECONDS.end() + 1, 0));
        assert!(!read(0, -1) && !read(0, 1_000_000_000));
        // Milliseconds where seconds are meant: the year 55840.
        assert!(!read(1_700_000_000_000, 0));
    }
}
