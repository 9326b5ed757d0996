//! The calls of one connection, counted and timed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{budget::Share, connection::rest};

/// How many calls a client may give up before their answer, as long as they
/// are not most of its calls.
const MOST_ABANDONED: u64 = 200;

/// The calls of one connection.
#[derive(Debug, Default)]
pub struct Calls {
    begun: AtomicU64,
    open: AtomicUsize,
    abandoned: AtomicU64,
    /// The parts of answers that the client has not taken, by whether they
    /// were given in an even or an odd period.
    unread: [AtomicUsize; 2],
    period: AtomicUsize,
}

impl Calls {
    /// Completes when there has been no call for `period`, and the answer of
    /// the last one has had as long to be sent.
    pub async fn over(&self, period: Duration) {
        loop {
            self.idle(period).await;
            let begun = self.begun.load(Ordering::Relaxed);
            rest(period).await;
            if self.begun.load(Ordering::Relaxed) == begun {
                return;
            }
        }
    }

    /// Completes when there has been no call for `period`. Looks once in each
    /// period, so that calls do not have to move a timer.
    pub async fn idle(&self, period: Duration) {
        loop {
            let begun = self.begun.load(Ordering::Relaxed);
            rest(period).await;
            let none_since = self.begun.load(Ordering::Relaxed) == begun;
            if none_since && self.open.load(Ordering::Relaxed) == 0 {
                return;
            }
        }
    }

    /// Completes when a part of an answer has been left unread for all of a
    /// `period`. What was given in one period has to be gone by the end of the
    /// next, so two counters are enough, however many parts there are.
    pub async fn stalled(&self, period: Duration) {
        loop {
            rest(period).await;
            let next = 1 - self.period.load(Ordering::Relaxed);
            if self.unread[next].load(Ordering::Relaxed) > 0 {
                return;
            }
            self.period.store(next, Ordering::Relaxed);
        }
    }

    /// Whether the client gives up most of what it asks for: a way to cause
    /// work without ever having many calls open (CVE-2023-44487).
    pub fn futile(&self) -> bool {
        let abandoned = self.abandoned.load(Ordering::Relaxed);
        abandoned > MOST_ABANDONED && abandoned > self.begun.load(Ordering::Relaxed) / 2
    }

    /// A part of an answer is given to the client.
    pub fn unread(self: &Arc<Self>) -> Unread {
        let period = self.period.load(Ordering::Relaxed);
        self.unread[period].fetch_add(1, Ordering::Relaxed);
        Unread { calls: Arc::clone(self), period }
    }
}

/// A part of an answer that the client has not taken.
#[derive(Debug)]
pub struct Unread {
    calls: Arc<Calls>,
    period: usize,
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.calls.unread[self.period].fetch_sub(1, Ordering::Relaxed);
    }
}

/// A call that has not come to its end.
#[derive(Debug)]
pub struct Call {
    calls: Arc<Calls>,
    answered: bool,
    _place: Option<Share>,
}

impl Call {
    /// A call that takes `place`, or that is refused for want of one.
    pub fn begin(calls: &Arc<Calls>, place: Option<Share>) -> Self {
        calls.begun.fetch_add(1, Ordering::Relaxed);
        calls.open.fetch_add(1, Ordering::Relaxed);
        Self { calls: Arc::clone(calls), answered: false, _place: place }
    }

    /// The answer has begun.
    pub const fn answered(&mut self) {
        self.answered = true;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.calls.open.fetch_sub(1, Ordering::Relaxed);
        if !self.answered {
            self.calls.abandoned.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn giving_up_now_and_then_is_not_futile_but_as_a_habit_it_is() {
        let calls = Arc::new(Calls::default());
        for _ in 0..MOST_ABANDONED {
            drop(Call::begin(&calls, None));
        }
        assert!(!calls.futile());
        drop(Call::begin(&calls, None));
        assert!(calls.futile());
        for _ in 0..=MOST_ABANDONED {
            Call::begin(&calls, None).answered();
        }
        assert!(!calls.futile());
    }
}
