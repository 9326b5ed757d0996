//! Processor time per operation.

use std::{sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, join_all};
use rustix::time::{ClockId, clock_gettime};

/// One operation.
pub type Op = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// An operation, and how it is repeated.
#[derive(Clone)]
pub struct Subject {
    op: Op,
    ops: usize,
    lanes: usize,
}

impl Subject {
    /// Repeats `op` `ops` times, one after the other.
    pub fn new<F>(ops: usize, op: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self { op: Arc::new(move || Box::pin(op())), ops, lanes: 1 }
    }

    /// Keeps `lanes` operations going at the same time.
    #[must_use]
    pub fn lanes(self, lanes: usize) -> Self {
        Self { lanes: lanes.min(self.ops).max(1), ..self }
    }

    async fn turn(&self) -> f64 {
        let before = cpu();
        let ops = self.repeat().await;
        (cpu() - before) / ops
    }

    /// Does it as often as it is to be done; answers how often that was.
    pub async fn repeat(&self) -> f64 {
        let each = self.ops / self.lanes;
        join_all((0..self.lanes).map(|_| async {
            for _ in 0..each {
                (self.op)().await;
            }
        }))
        .await;
        count(each * self.lanes)
    }
}

/// What an operation of each subject costs in this process, client and server
/// together: microseconds of processor time, the median of `turns` turns that
/// they take one after the other, after a first one that does not count.
pub async fn compare<const N: usize>(turns: usize, subjects: [Subject; N]) -> [f64; N] {
    for subject in &subjects {
        subject.turn().await;
    }
    let mut costs: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(turns));
    for _ in 0..turns {
        for (subject, costs) in subjects.iter().zip(&mut costs) {
            costs.push(subject.turn().await);
        }
    }
    costs.map(median)
}

/// The middle one.
pub fn median(figures: Vec<f64>) -> f64 {
    let figures = sorted(figures);
    figures[figures.len() / 2]
}

/// The figures in their order.
pub fn sorted(mut figures: Vec<f64>) -> Vec<f64> {
    figures.sort_by(f64::total_cmp);
    figures
}

/// The one of `sorted` figures that so many of a hundred do not exceed.
pub fn at(sorted: &[f64], percent: usize) -> f64 {
    sorted[(sorted.len() - 1) * percent / 100]
}

/// The processor time that this process has used so far, all threads, user
/// and system, in microseconds.
pub fn cpu() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    let used = Duration::new(used.tv_sec.try_into().unwrap(), used.tv_nsec.try_into().unwrap());
    used.as_secs_f64() * 1e6
}

fn count(ops: usize) -> f64 {
    f64::from(u32::try_from(ops).unwrap())
}
