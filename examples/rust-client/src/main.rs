//! The example as a command: see `--help`.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use roster_example_client::{
    Connection, Credential, NewUser, Server, connect, create_user, explain, list_users,
};
use secrecy::SecretString;
use tonic::Status;

/// Administers the users of Roster: with a machine token through the edge, or
/// with a certificate at the identity service itself.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where: <https://host:port>, or http:// of this machine.
    #[arg(long, env = "ROSTER_ADDRESS", default_value = "http://127.0.0.1:8080")]
    address: String,
    /// The authority of the server's certificate, as PEM.
    #[arg(long)]
    authority: Option<PathBuf>,
    /// A file with the machine token; without one it is taken from the variable
    /// `ROSTER_TOKEN`, and never from the command line, which others can read.
    #[arg(long, env = "ROSTER_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// In place of a token: a certificate that the identity service knows, as
    /// PEM.
    #[arg(long, requires = "key", requires = "authority")]
    certificate: Option<PathBuf>,
    /// The certificate's key, as PEM.
    #[arg(long)]
    key: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists all users, newest first.
    List,
    /// Creates a user, who has to choose another password first of all.
    Create {
        /// What the user signs in with.
        username: String,
        /// What others see.
        display_name: String,
        /// A file with the password for the first time.
        #[arg(long)]
        password_file: PathBuf,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let told = match run(Arguments::parse()).await {
        Ok(()) => return ExitCode::SUCCESS,
        Err(error) => match error.downcast_ref::<Status>() {
            Some(status) => explain(status),
            None => format!("{error:#}"),
        },
    };
    // Whoever reads no errors is told by the code.
    let _unread = writeln!(io::stderr(), "{told}");
    ExitCode::FAILURE
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let credential = credential(&arguments)?;
    let server = Server { address: arguments.address, authority: arguments.authority };
    let mut connection = connect(&server, &credential).await?;
    match arguments.command {
        Command::List => list(&mut connection).await,
        Command::Create { username, display_name, password_file } => {
            let password = secret(&password_file)?;
            let user = NewUser { username, display_name, password };
            let created = create_user(&mut connection, &user).await?;
            Ok(writeln!(io::stdout(), "{} {}", created.user_id, created.username)?)
        }
    }
}

async fn list(connection: &mut Connection) -> anyhow::Result<()> {
    let mut out = io::stdout();
    list_users(connection, |user| {
        let role = if user.is_admin { "administrator" } else { "user" };
        Ok(writeln!(out, "{} {role} {}", user.user_id, user.username)?)
    })
    .await
}

fn credential(arguments: &Arguments) -> anyhow::Result<Credential> {
    if let (Some(certificate), Some(key)) = (&arguments.certificate, &arguments.key) {
        let (certificate, key) = (certificate.clone(), key.clone());
        return Ok(Credential::Certificate { certificate, key });
    }
    let token = match &arguments.token_file {
        Some(file) => secret(file)?,
        None => from_environment("ROSTER_TOKEN")?,
    };
    Ok(Credential::Token(token))
}

/// A secret from a file, without the line's end that editors add.
fn secret(file: &Path) -> anyhow::Result<SecretString> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    Ok(text.trim_end_matches(['\r', '\n']).into())
}

#[expect(clippy::disallowed_methods, reason = "a program of its own: its environment is its own")]
fn from_environment(name: &str) -> anyhow::Result<SecretString> {
    Ok(std::env::var(name).with_context(|| format!("neither --token-file nor {name}"))?.into())
}
