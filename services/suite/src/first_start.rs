//! What a person at the terminal is told.

use std::io::{self, Write as _};

use roster_identity::FirstAdmin;
use secrecy::ExposeSecret as _;

use crate::{Node, RosterConfig, Suite};

/// Says where everything is. The password of a new administrator is printed
/// here, once, and nowhere else.
pub fn greet(suite: &Suite, config: &RosterConfig, admin: Option<&FirstAdmin>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "Roster {}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "  data directory  {}", config.data_dir.display())?;
    writeln!(out, "  address         {}", suite.address())?;
    if let Some(address) = suite.metrics_address() {
        writeln!(out, "  metrics         http://{address}/metrics")?;
    }
    if let Some(admin) = admin {
        writeln!(out, "  administrator   {}", admin.username)?;
        match &admin.generated_password {
            Some(password) => {
                writeln!(out, "  password        {}", password.expose_secret())?;
                writeln!(out, "                  (shown only now: change it with ChangePassword)")?;
            }
            None => writeln!(out, "  password        as given by ADMIN_PASSWORD")?,
        }
    }
    out.flush()
}

/// The same of a process that runs one service.
pub fn greet_node(node: &Node) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "Roster {}, {}", env!("CARGO_PKG_VERSION"), node.name())?;
    if let Some(address) = node.address() {
        writeln!(out, "  address         {address}")?;
    }
    if let Some(address) = node.metrics_address() {
        writeln!(out, "  metrics         http://{address}/metrics")?;
    }
    out.flush()
}

/// Says why the command failed, cause by cause, in one line.
pub fn complain(error: &anyhow::Error) {
    // Nothing is left to be done when the terminal is gone.
    let _gone = writeln!(io::stderr().lock(), "roster: {}", complaint(error));
}

fn complaint(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(|cause| one_line(&cause.to_string())) {
        // Some libraries tell their causes themselves.
        if said.contains(&cause) {
            continue;
        }
        if !said.is_empty() {
            said.push_str(": ");
        }
        said.push_str(&cause);
    }
    said
}

/// The text without the pictures that parsers draw of where they stopped.
fn one_line(text: &str) -> String {
    let is_picture = |line: &str| {
        let behind_number = line.trim_start_matches(|c: char| c.is_ascii_digit());
        behind_number.trim_start().starts_with('|')
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !is_picture(line));
    lines.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn each_cause_is_told_once_and_in_one_line() {
        let picture = "TOML parse error at line 1\n  |\n1 | listen = \n  |   ^\nno value\n";
        let error = anyhow!("no value").context(picture).context("configuration: cannot be read");
        let said = complaint(&error);
        assert_eq!(said, "configuration: cannot be read: TOML parse error at line 1, no value");
    }
}
