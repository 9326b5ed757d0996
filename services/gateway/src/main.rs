//! `roster-gateway`: the edge's own commands.

use std::io::{self, Write as _};

use clap::Parser;
use roster_proto::FILE_DESCRIPTOR_SET;
use roster_server::{AccessTable, Level};

/// The edge.
#[derive(Debug, Parser)]
#[command(version)]
enum Command {
    /// Lists the methods that can be called from outside, and who may.
    Routes,
}

fn main() -> anyhow::Result<()> {
    let Command::Routes = Command::parse();
    let table = AccessTable::new(FILE_DESCRIPTOR_SET)?;
    let mut routes: Vec<_> =
        table.iter().filter(|(_, rule)| rule.level != Level::Internal).collect();
    routes.sort_by_key(|(path, _)| *path);
    let mut out = io::stdout().lock();
    for (path, rule) in routes {
        writeln!(out, "{:?} {path}", rule.level)?;
    }
    Ok(())
}
