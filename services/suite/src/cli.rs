//! The command line of `roster`.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use roster_events::unconfirmed::Which;
use roster_kernel::Env;
use roster_server::config::process_env;
use secrecy::SecretString;

use crate::{
    Node, Part, RosterConfig, Secrets, Suite, dev_certs, events, first_start, migrate,
    participants, recover, restore, rotate, verify_export,
};

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
    /// Run the identity service alone; this and the next three are for an
    /// installation of several processes.
    Identity,
    /// Run the session service alone.
    Session,
    /// Run the persona service alone.
    Persona,
    /// Run the edge alone.
    Gateway,
    /// Bring the databases up to date and exit.
    Migrate {
        /// Only that of this service; all of them without.
        #[arg(value_enum)]
        service: Option<Part>,
        /// Only say what would run.
        #[arg(long)]
        plan: bool,
    },
    /// Make every service agree with the ledger of users and exit; where they run
    /// apart, the one whose certificate is set.
    Reconcile,
    /// Bring one service that was put back from a backup up to what the others
    /// know and exit, before it serves. Stop the server first; where services run
    /// apart, that service alone.
    #[command(subcommand)]
    Restore(RestoreCommand),
    /// Look at what the services have not confirmed to identity yet, or have it
    /// published again; beside processes that serve.
    #[command(subcommand)]
    Events(EventsCommand),
    /// Encrypt all API keys with a new key and exit. Stop the server first; where
    /// services run apart, identity alone.
    RotateKeys,
    /// Do what nobody can do over the network any more.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Let services join that are no part of Roster, and leave: of an
    /// installation of several processes, while it runs.
    #[command(subcommand)]
    Participants(ParticipantsCommand),
    /// Make certificates and keys for trying several processes: an authority,
    /// one certificate for each service and one for operators, the keys of
    /// assertions, and secrets. Not for production.
    DevCerts {
        /// Where they go: a folder that is empty, or not there yet.
        folder: PathBuf,
        /// Do nothing where they have been made before.
        #[arg(long)]
        keep: bool,
        /// Make a certificate for this service, too, which is no part of Roster;
        /// can be given again. Where the others have been made before, by the
        /// same authority.
        #[arg(long, value_name = "NAME")]
        also: Vec<String>,
    },
    /// Make the secrets of an installation of several processes.
    Secrets {
        /// Where they go: a file that is not there yet.
        file: PathBuf,
    },
    /// Check an export against its manifest: the answers of `ExportUserData`
    /// as grpcurl prints them.
    VerifyExport {
        /// The file, or `-` for standard input.
        file: PathBuf,
    },
}

#[derive(Clone, Debug, Subcommand)]
enum AdminCommand {
    /// Give a locked-out team an administrator again, while nothing is served; where
    /// services run apart, beside them.
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

#[derive(Clone, Debug, Subcommand)]
enum EventsCommand {
    /// Show events that wait to be confirmed, and who has not confirmed them.
    List {
        /// Only those that are parked: published ten times, and hourly since.
        #[arg(long)]
        parked: bool,
    },
    /// Publish an event again, or all that are parked.
    #[group(required = true, multiple = false)]
    Retry {
        /// The event.
        event_id: Option<String>,
        /// All events that are parked.
        #[arg(long)]
        all: bool,
    },
}

#[derive(Clone, Debug, Subcommand)]
enum ParticipantsCommand {
    /// Add one, or change where it is.
    ///
    /// From then on every change of a user waits for its receipt, and it is told
    /// of all users there are and were. What was cut short goes on when the
    /// command is run again.
    Add {
        /// Its name, as its certificate and the broker have it.
        name: String,
        /// Where it is, as host:port; several are separated by commas.
        #[arg(long, required = true, value_delimiter = ',', value_name = "HOST:PORT")]
        address: Vec<String>,
        /// Tell it of all users once more, such as when it was put back from a
        /// backup.
        #[arg(long)]
        again: bool,
    },
    /// Show them, and how much each has not confirmed.
    List,
    /// Take one out: nothing waits for it any more.
    ///
    /// What it keeps of users stays where it is. Deletions that waited for
    /// nobody else are complete; that it has not confirmed stays to be seen.
    Retire {
        /// Its name.
        name: String,
    },
}

#[derive(Clone, Debug, Subcommand)]
enum RestoreCommand {
    /// The database of accounts.
    ///
    /// Whoever was deleted, disabled, demoted or lost their sessions after the
    /// backup does not come back, as far as any other service knows. What is kept
    /// of users who were created after it is erased: nobody can sign in as them.
    Identity {
        /// Only say what would happen.
        #[arg(long)]
        plan: bool,
    },
    /// The database of sessions: all of them end.
    ///
    /// That a session was signed out or revoked after the backup is known nowhere
    /// else.
    Session,
    /// The database of personas.
    ///
    /// What is kept of users who were deleted after the backup is erased.
    Persona,
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
            Some(Command::Identity) => serve(&config, Part::Identity, admin_password, env).await,
            Some(Command::Session) => serve(&config, Part::Session, None, env).await,
            Some(Command::Persona) => serve(&config, Part::Persona, None, env).await,
            Some(Command::Gateway) => Node::gateway(&config, env).await?.serve(&config, None).await,
            Some(Command::Migrate { service, plan: true }) => {
                migrate::show_plan(&config, *service).await
            }
            Some(Command::Migrate { service, plan: false }) => {
                migrate::run(&config, &env, *service).await
            }
            Some(Command::Reconcile) => migrate::reconcile(&config, env).await,
            Some(Command::Restore(RestoreCommand::Identity { plan })) => {
                restore::identity(&config, env, *plan).await
            }
            Some(Command::Restore(RestoreCommand::Session)) => restore::session(&config, env).await,
            Some(Command::Restore(RestoreCommand::Persona)) => restore::persona(&config, env).await,
            Some(Command::Events(EventsCommand::List { parked })) => {
                let which = if *parked { Which::Parked } else { Which::All };
                events::list(&config, &env, which).await
            }
            Some(Command::Events(EventsCommand::Retry { event_id, .. })) => {
                events::retry(&config, &env, event_id.as_deref()).await
            }
            Some(Command::RotateKeys) => rotate::run(&config, &env).await,
            Some(Command::Admin(AdminCommand::Recover { username, create })) => {
                recover::run(&config, env, username, *create).await
            }
            Some(Command::Participants(command)) => participate(&config, command, env).await,
            Some(Command::DevCerts { folder, keep, also }) => {
                dev_certs::make_or_keep(folder, *keep, also, &env)
            }
            Some(Command::Secrets { file }) => Ok(Secrets::create(file, &env)?),
            Some(Command::VerifyExport { file }) => verify_export::run(file),
        };
        telemetry.flush().await;
        ended
    })
}

/// Lets services join, and leave.
async fn participate(
    config: &RosterConfig,
    command: &ParticipantsCommand,
    env: Env,
) -> anyhow::Result<()> {
    match command {
        ParticipantsCommand::Add { name, address, again } => {
            participants::add(config, env, name, address, *again).await
        }
        ParticipantsCommand::List => participants::list(config, env).await,
        ParticipantsCommand::Retire { name } => participants::retire(config, env, name).await,
    }
}

/// Runs one service.
async fn serve(
    config: &RosterConfig,
    part: Part,
    admin_password: Option<SecretString>,
    env: Env,
) -> anyhow::Result<()> {
    let node = Node::service(config, part, env, config.identity.hash_params()).await?;
    node.serve(config, admin_password).await
}
