//! The command line of `roster`.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use roster_kernel::Env;
use roster_server::config::process_env;

use crate::{Suite, first_start, migrate, recover, rotate, verify_export};

/// User administration for a team's platform.
#[derive(Debug, Parser)]
#[command(name = "roster", version, about, long_about = None)]
pub struct Cli {
    /// A TOML file with settings; the environment (`ROSTER__SECTION__KEY`)
    /// goes before it.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Run every service in this process (the default).
    Serve,
    /// Bring the databases up to date and exit.
    Migrate {
        /// Only say what would run.
        #[arg(long)]
        plan: bool,
    },
    /// Make every service agree with the ledger of users and exit.
    Reconcile,
    /// Encrypt all API keys with a new key and exit. Stop the server first.
    RotateKeys,
    /// Do what nobody can do over the network any more.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Check an export against its manifest: the answers of `ExportUserData`
    /// as grpcurl prints them.
    VerifyExport {
        /// The file, or `-` for standard input.
        file: PathBuf,
    },
}

#[derive(Clone, Debug, Subcommand)]
enum AdminCommand {
    /// Give a locked-out team an administrator again, while nothing is served.
    ///
    /// Makes the user an enabled administrator with a random password, which is
    /// printed once and has to be changed at the next sign-in. All sessions of
    /// the user end. What the user owns stays.
    Recover {
        /// Who is to be an administrator.
        #[arg(long, value_name = "NAME")]
        username: String,
        /// Create the user if there is none of this name.
        #[arg(long)]
        create: bool,
    },
}

/// Runs the command; what goes wrong is told on the terminal.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            first_start::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    let env = Env::system();
    let (mut config, admin_password) = crate::load(cli.config.as_deref(), process_env())?;
    if config.telemetry.instance_id.is_empty() {
        config.telemetry.instance_id = env.uuid().to_string();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let telemetry = roster_server::telemetry::init(&config.telemetry())?;
        let ended = match &cli.command {
            None | Some(Command::Serve) => Suite::serve(config, admin_password, env).await,
            Some(Command::Migrate { plan: true }) => migrate::show_plan(&config).await,
            Some(Command::Migrate { plan: false }) => migrate::run(&config, &env).await,
            Some(Command::Reconcile) => migrate::reconcile(config, env).await,
            Some(Command::RotateKeys) => rotate::run(&config, &env).await,
            Some(Command::Admin(AdminCommand::Recover { username, create })) => {
                recover::run(&config, env, username, *create).await
            }
            Some(Command::VerifyExport { file }) => verify_export::run(file),
        };
        telemetry.flush().await;
        ended
    })
}
