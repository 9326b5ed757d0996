//! How long somebody has to wait after how many failures.

use chrono::TimeDelta;
use roster_kernel::Timestamp;

/// How failures of one kind are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many failures go without waiting; at least 1.
    pub free: u32,
    /// How long the next one has to wait. Doubled with each failure.
    pub first_wait: TimeDelta,
    /// The longest that waiting becomes by doubling.
    pub longest_wait: TimeDelta,
    /// One failure is forgotten each time that this has passed.
    pub forgiven_every: TimeDelta,
    /// The most failures that are remembered at the same time: after them
    /// there is one attempt for each one forgotten.
    pub most: u32,
}

/// The failures that are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    /// How many.
    pub failures: u32,
    /// As of when: from here on the time counts that forgets them.
    pub since: Timestamp,
    /// Before this time there is no further attempt; none where no failure has
    /// to be paid for.
    pub blocked_until: Option<Timestamp>,
}

impl Count {
    /// Nothing has failed.
    pub const fn none(now: Timestamp) -> Self {
        Self { failures: 0, since: now, blocked_until: None }
    }
}

impl Limit {
    /// What is still remembered of `count` at `now`.
    pub(crate) fn remembered(&self, count: Count, now: Timestamp) -> Count {
        let every = self.forgiven_every.num_microseconds().unwrap_or(i64::MAX).max(1);
        let passed = (now - count.since).num_microseconds().unwrap_or(i64::MAX);
        let forgiven = u32::try_from((passed / every).max(0)).unwrap_or(u32::MAX);
        if forgiven >= count.failures {
            return Count { failures: 0, since: now, ..count };
        }
        let since = count.since + times(self.forgiven_every, forgiven);
        Count { failures: count.failures - forgiven, since, ..count }
    }

    /// How long an attempt has to wait at `now`, if it has to. `count` is what
    /// is remembered then.
    pub(crate) fn wait(&self, count: Count, now: Timestamp) -> Option<TimeDelta> {
        let full = (count.failures >= self.most).then(|| count.since + self.forgiven_every);
        let until = count.blocked_until.max(full)?;
        // A clock that was ahead when the row was written must not keep
        // anybody waiting for longer than the limit says.
        let longest = self.longest_wait.max(self.forgiven_every);
        (until > now).then(|| (until - now).min(longest))
    }

    /// `count`, which is what is remembered at `now`, with one more failure.
    pub(crate) fn add(&self, count: Count, now: Timestamp) -> Count {
        let failures = count.failures.saturating_add(1);
        let since = if count.failures == 0 { now } else { count.since };
        let beyond = failures.checked_sub(self.free + 1);
        let blocked_until = beyond.map(|doublings| now + self.doubled(doublings));
        Count { failures, since, blocked_until }
    }

    /// When nothing of `count` is remembered any more.
    pub(crate) fn forgotten_at(&self, count: Count) -> Timestamp {
        let forgiven = count.since + times(self.forgiven_every, count.failures);
        count.blocked_until.map_or(forgiven, |blocked_until| forgiven.max(blocked_until))
    }

    fn doubled(&self, doublings: u32) -> TimeDelta {
        // Beyond thirty doublings every wait is the longest one.
        times(self.first_wait, 1 << doublings.min(30)).min(self.longest_wait)
    }
}

/// `delta` as often as `count`, and no more than a century.
fn times(delta: TimeDelta, count: u32) -> TimeDelta {
    let century = TimeDelta::days(36_525);
    i32::try_from(count)
        .ok()
        .and_then(|count| delta.checked_mul(count))
        .unwrap_or(century)
        .min(century)
}

#[cfg(test)]
mod tests {
    use roster_testkit::epoch;

    use super::*;

    const LIMIT: Limit = Limit {
        free: 3,
        first_wait: TimeDelta::seconds(1),
        longest_wait: TimeDelta::seconds(10),
        forgiven_every: TimeDelta::minutes(1),
        most: 8,
    };

    /// Fails as often as told, each time as soon as that is possible; answers
    /// how long that took to wait for each time.
    fn waits(limit: Limit, failures: u32) -> Vec<i64> {
        let (mut now, mut count, mut waits) = (epoch(), Count::none(epoch()), Vec::new());
        for _ in 0..failures {
            count = limit.remembered(count, now);
            let wait = limit.wait(count, now).unwrap_or_default();
            waits.push(wait.num_seconds());
            now += wait;
            count = limit.remembered(count, now);
            assert_eq!(limit.wait(count, now), None);
            count = limit.add(count, now);
        }
        waits
    }

    #[test]
    fn waits_double_up_to_the_longest_and_to_what_is_forgiven() {
        // Three go free, and a fourth pays for the next one. After eight there
        // is one for each that is forgotten: a minute since the first.
        assert_eq!(waits(LIMIT, 8), [0, 0, 0, 0, 1, 2, 4, 8]);
        assert_eq!(waits(LIMIT, 10)[8..], [45, 60]);
    }

    #[test]
    fn somebody_who_never_stops_gets_one_attempt_for_each_that_is_forgiven() {
        let limit = Limit { most: u32::MAX, ..LIMIT };
        let total: i64 = waits(limit, 1_000).into_iter().sum();
        assert!(total >= 990 * 10, "{total}");
        let limited: i64 = waits(LIMIT, 1_000).into_iter().sum();
        assert!(limited >= 990 * 60, "{limited}");
    }

    #[test]
    fn failures_are_forgotten_one_by_one() {
        let now = epoch();
        let count = Count { failures: 5, since: now, blocked_until: None };
        let after = |seconds| LIMIT.remembered(count, now + TimeDelta::seconds(seconds)).failures;
        assert_eq!([after(-9), after(59), after(60), after(150), after(299)], [5, 5, 4, 3, 1]);
        assert_eq!([after(300), after(1_000_000_000)], [0, 0]);
        assert_eq!(LIMIT.forgotten_at(count), now + TimeDelta::minutes(5));
        // What was over a minute ago is not paid for twice.
        let half = LIMIT.remembered(count, now + TimeDelta::seconds(90));
        assert_eq!(LIMIT.remembered(half, now + TimeDelta::seconds(119)).failures, 4);
        assert_eq!(LIMIT.remembered(half, now + TimeDelta::seconds(120)).failures, 3);
    }

    #[test]
    fn a_clock_that_was_ahead_keeps_nobody_longer_than_the_limit_says() {
        let ahead = epoch() + TimeDelta::days(400);
        let count = Count { failures: 5, since: ahead, blocked_until: Some(ahead) };
        assert_eq!(LIMIT.wait(count, epoch()), Some(TimeDelta::minutes(1)));
    }

    #[test]
    fn whoever_looked_at_the_clock_first_and_came_second_has_nothing_to_wait_for() {
        let count = LIMIT.add(Count::none(epoch()), epoch());
        let earlier = epoch() - TimeDelta::microseconds(1);
        assert_eq!(LIMIT.wait(LIMIT.remembered(count, earlier), earlier), None);
    }

    #[test]
    fn numbers_at_their_ends_overflow_nothing() {
        let count = Count { failures: u32::MAX, since: epoch(), blocked_until: None };
        let more = LIMIT.add(count, epoch());
        assert_eq!(more.failures, u32::MAX);
        assert_eq!(more.blocked_until, Some(epoch() + LIMIT.longest_wait));
        assert!(LIMIT.forgotten_at(more) > epoch());
    }
}
