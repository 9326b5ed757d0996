//! What Roster costs, beside what it cannot cost less than: `cargo xtask bench`.
//!
//! Each figure stands beside a floor that was measured in the same run, in
//! turns with it: CONTRIBUTING.md says how to read the table. Nothing here
//! fails because something is slow; a goal that is missed is said.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on ends")]

mod apart;
mod authentication;
mod bare;
mod client;
mod deletion;
mod effort;
mod flood;
mod forwarding;
mod lists;
mod login;
mod measure;
mod process;
mod seed;
mod silent;
mod startup;
mod table;
mod web;
mod world;
mod writes;

use std::{
    io::{Write as _, stdout},
    path::PathBuf,
};

use clap::Parser;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tokio::runtime::{Builder, Runtime};

use crate::{effort::Effort, table::Table};

/// Measures Roster.
#[derive(Debug, Parser)]
struct Cli {
    /// Go through everything in seconds, with too few repetitions to mean
    /// anything: shows that the bench works.
    #[arg(long)]
    quick: bool,
    /// Measure services that run apart: where they are, as `cargo xtask bench`
    /// writes it.
    #[arg(long, value_name = "FILE")]
    apart: Option<PathBuf>,
    /// Measure only what has this in its name.
    only: Option<String>,
    /// What `cargo bench` says to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let cli = Cli::parse();
    let effort = if cli.quick { Effort::quick() } else { Effort::full() };
    let wanted = |part: &str| cli.only.as_deref().is_none_or(|only| part.contains(only));
    let mut table = Table::default();
    if let Some(cluster) = &cli.apart {
        table.add(runtime().block_on(apart::measure(&effort, cluster)));
    } else {
        in_one_process(&effort, wanted, &mut table);
    }
    write!(stdout().lock(), "{table}").unwrap();
    if cli.quick {
        writeln!(stdout().lock(), "\n--quick: the figures mean nothing.").unwrap();
    }
}

fn in_one_process(effort: &Effort, wanted: impl Fn(&str) -> bool, table: &mut Table) {
    // The process has the whole machine, as its users would give it.
    let process = wanted("process").then(|| runtime().block_on(startup::measure(effort)));
    stay_on_one_processor();
    runtime().block_on(async {
        if ["authenticate", "forward", "web", "lists", "create"].iter().any(|part| wanted(part)) {
            let (small, large) = lists::worlds(effort).await;
            if wanted("authenticate") {
                table.add(authentication::measure(effort, &large).await);
            }
            if wanted("forward") {
                table.add(forwarding::measure(effort, &large).await);
            }
            if wanted("web") {
                table.add(web::measure(effort, &large).await);
            }
            if wanted("lists") {
                table.add(lists::measure(effort, &small, &large).await);
            }
            if wanted("create") {
                table.add(writes::measure(effort, &small).await);
            }
            small.stop().await;
            large.stop().await;
        }
        if wanted("login") {
            table.add(login::measure(effort).await);
        }
        if wanted("delete") {
            table.add(deletion::measure(effort).await);
        }
    });
    table.add(process.unwrap_or_default());
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().enable_all().build().unwrap()
}

/// Keeps this thread, and those that come of it, on one processor. What it
/// costs to wake a thread on another one differs several times over with what
/// the machine has done just before, and is no part of what is compared.
fn stay_on_one_processor() {
    let mut one = CpuSet::new();
    let all = sched_getaffinity(None).unwrap();
    one.set((0..CpuSet::MAX_CPU).rfind(|processor| all.is_set(*processor)).unwrap());
    sched_setaffinity(None, &one).unwrap();
}
