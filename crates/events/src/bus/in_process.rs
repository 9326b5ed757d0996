//! The bus of the embedded mode: queues in memory.
//!
//! It carries the same encoded messages along the same path as a broker
//! would, and tests can make it as unreliable as one.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use roster_kernel::Env;
use tokio::sync::Notify;

use super::{Acknowledge, Address, Bus, BusError, Delivery, Inflow, Subscription};

/// The most messages that wait for one subscriber. What does not fit is
/// dropped, as the outbox will publish it again.
const QUEUE: usize = 4_096;

/// How unreliable the bus is. Each figure is the share of messages that it
/// happens to, in 256ths; all are zero by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Messages that never arrive.
    pub loss: u8,
    /// Messages that arrive twice.
    pub duplication: u8,
    /// Messages that overtake some of those before them.
    pub reordering: u8,
}

/// Queues in memory, one for each subscription.
#[derive(Debug)]
pub struct InProcessBus {
    env: Env,
    queues: Mutex<Vec<Arc<Queue>>>,
    faults: Mutex<Faults>,
    published: AtomicU64,
}

#[derive(Debug)]
struct Queue {
    subscription: Subscription,
    waiting: Mutex<VecDeque<(Address, Bytes)>>,
    working: AtomicUsize,
    held: AtomicBool,
    changed: Notify,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl InProcessBus {
    /// A bus that loses nothing. The environment's randomness decides about
    /// injected faults.
    #[must_use]
    pub fn new(env: Env) -> Self {
        Self {
            env,
            queues: Mutex::default(),
            faults: Mutex::default(),
            published: AtomicU64::new(0),
        }
    }

    /// From now on, be as unreliable as `faults` says.
    pub fn inject(&self, faults: Faults) {
        *lock(&self.faults) = faults;
    }

    /// Keeps back what the matching subscribers have not received yet, until
    /// [`InProcessBus::release`].
    pub fn hold(&self, matching: impl Fn(&Subscription) -> bool) {
        for queue in lock(&self.queues).iter().filter(|queue| matching(&queue.subscription)) {
            queue.held.store(true, Ordering::SeqCst);
        }
    }

    /// Delivers what was kept back.
    pub fn release(&self) {
        for queue in lock(&self.queues).iter() {
            queue.held.store(false, Ordering::SeqCst);
            queue.changed.notify_waiters();
        }
    }

    /// How many messages wait or are being worked on, those kept back
    /// excepted.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        let queues = lock(&self.queues);
        loop {
            let before = self.published.load(Ordering::SeqCst);
            let in_flight = queues.iter().map(|queue| queue.in_flight()).sum();
            // A message that leads to another may have been counted in
            // neither queue; then something was published in between.
            if before == self.published.load(Ordering::SeqCst) {
                return in_flight;
            }
        }
    }

    /// How many different subscriptions there are.
    #[must_use]
    pub fn subscriptions(&self) -> usize {
        lock(&self.queues).len()
    }

    fn happens(&self, share: u8) -> bool {
        share > 0 && self.env.bytes::<1>()[0] < share
    }
}

impl Queue {
    fn push(&self, message: (Address, Bytes), overtaking: Option<usize>) {
        let mut waiting = lock(&self.waiting);
        if waiting.len() >= QUEUE {
            tracing::warn!(address = %message.0, "message dropped: the subscriber's queue is full");
            return;
        }
        let end = waiting.len();
        let place = overtaking.map_or(end, |random| random % (end + 1));
        waiting.insert(place, message);
        drop(waiting);
        self.changed.notify_waiters();
    }

    fn in_flight(&self) -> usize {
        let waiting = lock(&self.waiting);
        let held = self.held.load(Ordering::SeqCst);
        let deliverable = if held { 0 } else { waiting.len() };
        deliverable + self.working.load(Ordering::SeqCst)
    }

    fn pop(self: &Arc<Self>) -> Option<Delivery> {
        if self.held.load(Ordering::SeqCst) {
            return None;
        }
        let mut waiting = lock(&self.waiting);
        let (address, payload) = waiting.pop_front()?;
        // Counted before the lock is given up, so that no message is ever
        // in neither of the two counts.
        let working = Working::begin(Arc::clone(self));
        drop(waiting);
        Some(Delivery { address, payload, acknowledgement: Box::new(working) })
    }
}

/// One message being worked on.
struct Working(Arc<Queue>);

impl Working {
    fn begin(queue: Arc<Queue>) -> Self {
        queue.working.fetch_add(1, Ordering::SeqCst);
        Self(queue)
    }
}

#[async_trait]
impl Acknowledge for Working {
    // A queue has forgotten what it handed out: the outbox repeats it.
    async fn acknowledge(self: Box<Self>) {}
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Bus for InProcessBus {
    async fn publish(&self, address: &Address, payload: Bytes) -> Result<(), BusError> {
        let faults = *lock(&self.faults);
        let queues = lock(&self.queues).clone();
        self.published.fetch_add(1, Ordering::SeqCst);
        for queue in queues.iter().filter(|queue| queue.subscription.takes(address)) {
            if self.happens(faults.loss) {
                continue;
            }
            let copies = if self.happens(faults.duplication) { 2 } else { 1 };
            for _ in 0..copies {
                let overtaking = self
                    .happens(faults.reordering)
                    .then(|| usize::from(u16::from_le_bytes(self.env.bytes())));
                queue.push((address.clone(), payload.clone()), overtaking);
            }
        }
        Ok(())
    }

    async fn subscribe(&self, subscription: Subscription) -> Result<Box<dyn Inflow>, BusError> {
        let mut queues = lock(&self.queues);
        // Subscribers that share a subscription share its queue.
        let existing = queues.iter().find(|queue| queue.subscription == subscription);
        let queue = existing.cloned().unwrap_or_else(|| {
            let queue = Arc::new(Queue {
                subscription,
                waiting: Mutex::default(),
                working: AtomicUsize::new(0),
                held: AtomicBool::new(false),
                changed: Notify::new(),
            });
            queues.push(Arc::clone(&queue));
            queue
        });
        Ok(Box::new(QueueInflow(queue)))
    }
}

struct QueueInflow(Arc<Queue>);

#[async_trait]
impl Inflow for QueueInflow {
    async fn next(&mut self) -> Option<Delivery> {
        loop {
            let changed = self.0.changed.notified();
            let mut changed = std::pin::pin!(changed);
            // Registered before looking, so that no change is missed.
            changed.as_mut().enable();
            if let Some(delivery) = self.0.pop() {
                return Some(delivery);
            }
            changed.await;
        }
    }
}
