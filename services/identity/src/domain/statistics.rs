//! Figures about all users.

use chrono::{Days, NaiveDate};

/// The most days that figures can span besides the first.
const MOST_DAYS: i64 = 366;

/// How many days figures span besides the last, where nobody says.
const DEFAULT_DAYS: Days = Days::new(29);

/// How many users there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserTotals {
    /// All of them.
    pub users: i64,
    /// Administrators among them.
    pub admins: i64,
    /// Disabled ones among them.
    pub disabled: i64,
}

/// What happened on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayActivity {
    /// The day, UTC.
    pub day: NaiveDate,
    /// How many accounts were created.
    pub sign_ups: i64,
    /// How often somebody signed in.
    pub logins: i64,
}

/// Some days in a row, the first and the last included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayRange {
    first: NaiveDate,
    last: NaiveDate,
}

/// Days that are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDays {
    /// No day of the calendar.
    #[error("must be a day of the years 1 to 9999, such as 2026-01-31")]
    Day,
    /// The last comes before the first.
    #[error("start_day must not be after end_day, which is today unless it is given")]
    Backwards,
    /// There are too many of them.
    #[error(
        "end_day, which is today unless it is given, must be at most {MOST_DAYS} days behind start_day"
    )]
    TooMany,
}

/// Reads a day of the form `2026-01-31`.
pub fn parse_day(text: &str) -> Result<NaiveDate, InvalidDays> {
    // chrono takes signs and days of one digit, too.
    let formed = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| formed);
    day.filter(|day| *day >= first_day()).ok_or(InvalidDays::Day)
}

impl DayRange {
    /// The days from `first` to `last`; without a `last` to `today`, without a
    /// `first` thirty of them.
    pub fn new(
        first: Option<NaiveDate>,
        last: Option<NaiveDate>,
        today: NaiveDate,
    ) -> Result<Self, InvalidDays> {
        let last = last.unwrap_or(today);
        let thirty = || last.checked_sub_days(DEFAULT_DAYS).unwrap_or(last).max(first_day());
        let first = first.unwrap_or_else(thirty);
        match (last - first).num_days() {
            ..0 => Err(InvalidDays::Backwards),
            0..=MOST_DAYS => Ok(Self { first, last }),
            _ => Err(InvalidDays::TooMany),
        }
    }

    /// The first day.
    #[must_use]
    pub const fn first(self) -> NaiveDate {
        self.first
    }

    /// The last day.
    #[must_use]
    pub const fn last(self) -> NaiveDate {
        self.last
    }

    /// What happened on each of the days: what is among `known`, which is in
    /// their order, and nothing on the others.
    #[must_use]
    pub fn fill(self, known: Vec<DayActivity>) -> Vec<DayActivity> {
        let mut known = known.into_iter().peekable();
        let days = self.first.iter_days().take_while(|day| *day <= self.last);
        let filled = days.map(|day| {
            let nothing = DayActivity { day, sign_ups: 0, logins: 0 };
            known.next_if(|it| it.day == day).unwrap_or(nothing)
        });
        filled.collect()
    }
}

/// The first day that has a year of four digits.
fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        parse_day(text).unwrap()
    }

    #[test]
    fn a_day_is_one_of_the_calendar() {
        for fits in ["2026-01-31", "2024-02-29", "0001-01-01", "9999-12-31"] {
            assert_eq!(day(fits).to_string(), fits);
        }
        for odd in
            ["2026-02-29", "2026-1-31", "+2026-01-1", "0000-12-31", "2026-13-01", "20260131", "x"]
        {
            assert_eq!(parse_day(odd), Err(InvalidDays::Day), "{odd}");
        }
    }

    #[test]
    fn days_have_defaults_and_bounds() {
        let today = day("2026-03-01");
        let month = DayRange::new(None, None, today).unwrap();
        assert_eq!((month.first(), month.last()), (day("2026-01-31"), today));
        let since = DayRange::new(Some(day("2026-02-27")), None, today).unwrap();
        assert_eq!(since.fill(Vec::new()).len(), 3);
        let first = Some(day("2024-02-29"));
        assert!(DayRange::new(first, Some(day("2025-03-01")), today).is_ok());
        let longer = DayRange::new(first, Some(day("2025-03-02")), today);
        assert_eq!(longer, Err(InvalidDays::TooMany));
        let backwards = DayRange::new(Some(day("2026-03-02")), None, today);
        assert_eq!(backwards, Err(InvalidDays::Backwards));
        // Where the calendar begins and ends.
        let early = DayRange::new(None, Some(day("0001-01-03")), today).unwrap();
        assert_eq!(early.fill(Vec::new()).len(), 3);
        let late = DayRange::new(None, Some(day("9999-12-31")), today).unwrap();
        assert_eq!(late.fill(Vec::new()).len(), 30);
    }

    #[test]
    fn days_without_events_are_there() {
        let days =
            DayRange::new(Some(day("2026-02-28")), Some(day("2026-03-03")), day("2026-03-03"));
        let known = DayActivity { day: day("2026-03-01"), sign_ups: 2, logins: 5 };
        let filled = days.unwrap().fill(vec![known]);
        let logins: Vec<_> = filled.iter().map(|it| (it.day.to_string(), it.logins)).collect();
        let expected = [("2026-02-28", 0), ("2026-03-01", 5), ("2026-03-02", 0), ("2026-03-03", 0)];
        assert_eq!(logins, expected.map(|(day, count)| (day.to_owned(), count)));
    }
}
