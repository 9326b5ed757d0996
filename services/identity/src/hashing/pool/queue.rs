//! Who is hashed for next.

use std::{collections::VecDeque, fmt};

use super::Job;

/// Which of the two queues a job waits in. The threads serve them in turn, so
/// that a flood in the one leaves the other half of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// For strangers: whoever signs in, or registers.
    Public,
    /// For whoever is signed in: administrators who set passwords, and users
    /// who change theirs.
    SignedIn,
}

/// Names a job that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    lane: Lane,
    number: u64,
}

/// The jobs that wait: a bounded number in each lane.
pub struct Queue {
    capacity: usize,
    public: VecDeque<(u64, Job)>,
    signed_in: VecDeque<(u64, Job)>,
    /// Whose turn it is, where both wait.
    turn: Lane,
    issued: u64,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("jobs", &self.len()).finish_non_exhaustive()
    }
}

impl Queue {
    /// An empty queue for `capacity` jobs in each lane.
    pub const fn new(capacity: usize) -> Self {
        Self {
            capacity,
            public: VecDeque::new(),
            signed_in: VecDeque::new(),
            turn: Lane::SignedIn,
            issued: 0,
        }
    }

    /// How many jobs wait.
    pub fn len(&self) -> usize {
        self.public.len() + self.signed_in.len()
    }

    /// Takes a job in, unless its lane is full.
    pub fn push(&mut self, lane: Lane, job: Job) -> Option<Ticket> {
        self.issued += 1;
        let (number, capacity) = (self.issued, self.capacity);
        let jobs = self.lane(lane);
        (jobs.len() < capacity).then(|| {
            jobs.push_back((number, job));
            Ticket { lane, number }
        })
    }

    /// The next job.
    pub fn pop(&mut self) -> Option<Job> {
        let turn = self.turn;
        let lane = if self.lane(turn).is_empty() { turn.other() } else { turn };
        let (_, job) = self.lane(lane).pop_front()?;
        self.turn = lane.other();
        Some(job)
    }

    /// Removes a job, if it still waits.
    pub fn remove(&mut self, ticket: Ticket) -> Option<Job> {
        let jobs = self.lane(ticket.lane);
        // Numbers rise from front to back.
        let index = jobs.binary_search_by_key(&ticket.number, |(number, _)| *number).ok()?;
        jobs.remove(index).map(|(_, job)| job)
    }

    const fn lane(&mut self, lane: Lane) -> &mut VecDeque<(u64, Job)> {
        match lane {
            Lane::Public => &mut self.public,
            Lane::SignedIn => &mut self.signed_in,
        }
    }
}

impl Lane {
    const fn other(self) -> Self {
        match self {
            Self::Public => Self::SignedIn,
            Self::SignedIn => Self::Public,
        }
    }
}
