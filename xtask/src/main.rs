//! Developer commands: `cargo xtask test` runs everything that has to hold
//! before a change lands.
#![expect(clippy::print_stderr, reason = "a command line tool says what it does")]

mod bench;
mod chart;
mod check;
mod cluster;
mod deny;
mod fuzz;
mod postgres;
mod tools;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer commands of Roster")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run every check and every test, fetching the tools they need.
    Test,
    /// Run the checks that need no test: format, contracts, dependencies,
    /// lints, documents.
    Lint,
    /// Check what is built upon: licences, sources, duplicates, advisories.
    Deny,
    /// Run the distributed mode on this machine: PostgreSQL, three brokers, two
    /// processes of each service, with mutual TLS.
    Cluster,
    /// Kill processes of the distributed mode at random, and restart each of
    /// them, while clients call: nothing may be lost.
    Chaos {
        /// How many are killed.
        #[arg(long, default_value_t = check::KILLS)]
        kills: u64,
        /// What chance begins with.
        #[arg(long, default_value_t = check::SEED)]
        seed: u64,
    },
    /// Try the API as its document says, as an administrator, as a user and as
    /// nobody.
    Schemathesis {
        /// How many requests are made up for each operation.
        #[arg(long, default_value_t = check::EXAMPLES)]
        examples: u64,
        /// What chance begins with.
        #[arg(long, default_value_t = check::SEED)]
        seed: u64,
    },
    /// Measure what Roster costs: one table, in some minutes.
    Bench {
        /// Only the parts that have this in their name: authenticate, forward,
        /// lists, create, login, delete, process, apart.
        only: Option<String>,
        /// Only go through all of it, in the profile of the tests: the figures
        /// mean nothing.
        #[arg(long, conflicts_with = "only")]
        quick: bool,
    },
    /// Fuzz with coverage: one target, or each in turn.
    Fuzz {
        /// A folder of `fuzz/corpus`.
        target: Option<String>,
        /// For how long, each.
        #[arg(long, default_value_t = 300)]
        seconds: u64,
    },
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Test => {
            check::lint()?;
            check::test()
        }
        Command::Lint => check::lint(),
        Command::Deny => deny::check(),
        Command::Cluster => cluster::cluster(),
        Command::Chaos { kills, seed } => check::chaos(kills, seed),
        Command::Schemathesis { examples, seed } => check::schemathesis(examples, seed),
        Command::Bench { quick: true, .. } => bench::rehearse(),
        Command::Bench { only, quick: false } => bench::bench(only.as_deref()),
        Command::Fuzz { target, seconds } => fuzz::fuzz(target.as_deref(), seconds),
    }
}
