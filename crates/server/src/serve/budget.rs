//! Quantities that are handed out and come back: places and bytes.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// What can be handed out at the same time; a part of another budget where it
/// has one.
#[derive(Debug)]
pub struct Budget {
    left: AtomicUsize,
    whole: Option<Arc<Self>>,
}

/// What somebody has been given. It comes back when this is dropped.
#[derive(Debug)]
pub struct Share {
    budget: Arc<Budget>,
    amount: AtomicUsize,
}

impl Budget {
    /// A budget of its own.
    pub fn new(amount: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(amount), whole: None })
    }

    /// At most `amount` of this one.
    pub fn part(self: &Arc<Self>, amount: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(amount), whole: Some(Arc::clone(self)) })
    }

    /// Hands out `amount`, if there is as much.
    pub fn take(self: &Arc<Self>, amount: usize) -> Option<Share> {
        let budget = Arc::clone(self);
        self.subtract(amount).then(|| Share { budget, amount: AtomicUsize::new(amount) })
    }

    /// A share that is yet to grow.
    pub fn nothing(self: &Arc<Self>) -> Share {
        Share { budget: Arc::clone(self), amount: AtomicUsize::new(0) }
    }

    fn subtract(&self, amount: usize) -> bool {
        let order = Ordering::Relaxed;
        if self.left.fetch_update(order, order, |left| left.checked_sub(amount)).is_err() {
            return false;
        }
        if self.whole.as_ref().is_none_or(|whole| whole.subtract(amount)) {
            return true;
        }
        self.left.fetch_add(amount, order);
        false
    }

    fn add(&self, amount: usize) {
        self.left.fetch_add(amount, Ordering::Relaxed);
        if let Some(whole) = &self.whole {
            whole.add(amount);
        }
    }
}

impl Share {
    /// Adds `amount` to the share, if there is as much.
    pub fn grow(&self, amount: usize) -> bool {
        let grown = self.budget.subtract(amount);
        if grown {
            self.amount.fetch_add(amount, Ordering::Relaxed);
        }
        grown
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.add(*self.amount.get_mut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_handed_out_than_there_is_and_all_of_it_comes_back() {
        let whole = Budget::new(10);
        let part = whole.part(6);
        let share = part.take(4).unwrap();
        assert!(part.take(3).is_none() && !share.grow(3));
        assert!(share.grow(2));
        assert!(whole.take(5).is_none());
        let rest = whole.take(4).unwrap();
        drop(share);
        // The part has all of its own again, the whole does not.
        let all = part.take(6).unwrap();
        assert!(whole.take(1).is_none());
        drop((rest, all));
        assert!(whole.take(10).is_some());
    }

    #[test]
    fn what_the_whole_refuses_is_not_missing_in_the_part() {
        let whole = Budget::new(5);
        let part = whole.part(6);
        assert!(part.take(6).is_none());
        assert!(part.take(5).is_some());
    }
}
