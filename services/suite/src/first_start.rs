//! What a person at the terminal is told.

use std::io::{self, Write as _};

use roster_identity::FirstAdmin;
use secrecy::ExposeSecret as _;

use crate::{RosterConfig, Suite};

/// Says where everything is. The password of a new administrator is printed
/// here, once, and nowhere else.
pub fn greet(suite: &Suite, config: &RosterConfig, admin: Option<&FirstAdmin>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "Roster {}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "  data directory  {}", config.data_dir.display())?;
    writeln!(out, "  address         {}", suite.address())?;
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

/// Says why the command failed, cause by cause.
pub fn complain(error: &anyhow::Error) {
    let causes: Vec<_> = error.chain().map(ToString::to_string).collect();
    // Nothing is left to be done when the terminal is gone.
    let _gone = writeln!(io::stderr().lock(), "roster: {}", causes.join(": "));
}
