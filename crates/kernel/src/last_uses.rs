//! When things were last used: noted in memory, to be stored in batches.
//!
//! Writing on the call's own path would turn every read into a commit. What
//! is noted and not stored yet is lost when the process is killed: a time that
//! is a minute old at the most.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::TimeDelta;

use crate::Timestamp;

/// How often the use of a thing is noted.
const EVERY: TimeDelta = TimeDelta::minutes(1);

/// The uses that are to be stored: one for each thing.
#[derive(Debug)]
pub struct LastUses<K> {
    noted: Mutex<HashMap<K, Timestamp>>,
}

impl<K> Default for LastUses<K> {
    fn default() -> Self {
        Self { noted: Mutex::default() }
    }
}

impl<K: Copy + Ord + Hash> LastUses<K> {
    /// Notes a use at `now` of a thing whose stored last use is `stored`; does
    /// nothing when that is less than a minute ago.
    pub fn note(&self, thing: K, stored: Option<Timestamp>, now: Timestamp) {
        if stored.is_none_or(|stored| now - stored >= EVERY) {
            self.noted().insert(thing, now);
        }
    }

    /// What is noted, in one order everywhere: two replicas that store it
    /// never wait for each other.
    pub fn pending(&self) -> Vec<(K, Timestamp)> {
        let mut noted: Vec<_> = self.noted().iter().map(|(thing, at)| (*thing, *at)).collect();
        noted.sort_unstable();
        noted
    }

    /// Forgets what has been stored. A later use, noted meanwhile, is for the
    /// next time.
    pub fn stored(&self, stored: &[(K, Timestamp)]) {
        let mut noted = self.noted();
        for (thing, at) in stored {
            if noted.get(thing) == Some(at) {
                noted.remove(thing);
            }
        }
    }

    fn noted(&self) -> MutexGuard<'_, HashMap<K, Timestamp>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::milliseconds(milliseconds)
    }

    #[test]
    fn uses_are_due_once_a_minute() {
        let uses = LastUses::default();
        uses.note(1, None, at(0));
        uses.note(2, Some(at(0)), at(59_999));
        uses.note(3, Some(at(0)), at(60_000));
        // A clock that went back.
        uses.note(4, Some(at(3_600_000)), at(0));
        assert_eq!(uses.pending(), [(1, at(0)), (3, at(60_000))]);
    }

    #[test]
    fn what_is_noted_meanwhile_stays() {
        let uses = LastUses::default();
        uses.note(1, None, at(0));
        uses.note(2, None, at(0));
        let stored = uses.pending();
        uses.note(2, None, at(70_000));
        uses.stored(&stored);
        assert_eq!(uses.pending(), [(2, at(70_000))]);
    }
}
