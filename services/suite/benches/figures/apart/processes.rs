//! What other processes have used of the processor.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde::Deserialize;

use crate::{
    measure::median,
    table::{Row, Unit},
};

/// How long a tick of `/proc/PID/stat` is, in microseconds: `USER_HZ` is 100 on
/// every machine that Roster is released for.
const TICK: f64 = 10_000.0;

/// What runs, and as which processes.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Processes(BTreeMap<String, BTreeSet<u32>>);

/// Processor time in microseconds, of each that runs.
#[derive(Clone, Debug)]
pub struct Costs(BTreeMap<String, f64>);

impl Processes {
    /// What they have used so far, with the processes that they have started.
    pub fn costs(&self) -> Costs {
        let all: Vec<Stat> = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
            .filter_map(Stat::of)
            .collect();
        let cost = |pids: &BTreeSet<u32>| {
            let theirs = |it: &&Stat| pids.contains(&it.pid) || pids.contains(&it.parent);
            all.iter().filter(theirs).map(|it| it.used).sum()
        };
        Costs(self.0.iter().map(|(name, pids)| (name.clone(), cost(pids))).collect())
    }
}

/// A process.
struct Stat {
    pid: u32,
    parent: u32,
    /// What it and those of its children that have ended used, in microseconds.
    used: f64,
}

impl Stat {
    /// None where the process has ended meanwhile.
    fn of(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // Behind the name, which may have spaces in it: proc(5) from field 3 on.
        let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
        let ticks: u32 = fields[11..15].iter().map(|field| field.parse::<u32>().unwrap_or(0)).sum();
        Some(Self { pid, parent: fields[1].parse().ok()?, used: f64::from(ticks) * TICK })
    }
}

impl Costs {
    /// What one of them has used.
    pub fn of(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// All of them together.
    pub fn whole(&self) -> f64 {
        self.0.values().sum()
    }

    /// What was used after `before`.
    pub fn since(&self, before: &Self) -> Self {
        self.map(|name, used| used - before.of(name))
    }

    /// Of each of so many operations.
    pub fn each(&self, ops: f64) -> Self {
        self.map(|_, used| used / ops)
    }

    /// The middle of `all`, for each that runs.
    pub fn median(all: &[Self]) -> Self {
        all[0].map(|name, _| median(all.iter().map(|each| each.of(name)).collect()))
    }

    /// A line for each that runs and was needed.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        let needed = self.0.iter().filter(|(_, used)| **used > 0.0);
        needed.map(|(name, used)| Row::new(format!("  of it {name}"), *used, Unit::CpuMicros))
    }

    fn map(&self, of: impl Fn(&str, f64) -> f64) -> Self {
        Self(self.0.iter().map(|(name, used)| (name.clone(), of(name, *used))).collect())
    }
}
