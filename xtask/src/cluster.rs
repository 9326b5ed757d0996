//! The distributed mode on this machine: PostgreSQL, three brokers, and two
//! processes of each service, with mutual TLS between them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::{fs::OpenOptionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{
    check::{cargo, root, run},
    postgres::{Durability, Server},
    tools,
};

/// How long each process may take to serve, and to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many brokers there are: one may be lost.
const BROKERS: usize = 3;

/// How many processes of each service.
const REPLICAS: usize = 2;

/// Who signs in to the brokers.
const STORING: [&str; 3] = ["identity", "session", "persona"];

/// Where the first edge is; the second is at the next port.
const FIRST_EDGE: u16 = 8080;

/// A process that is ended when dropped.
struct Process {
    name: String,
    child: Child,
}

impl Drop for Process {
    fn drop(&mut self) {
        // Told first: what was accepted comes to its end.
        let _gone = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            match self.child.try_wait() {
                Ok(None) => pause(),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        eprintln!("{} does not end, and is cut", self.name);
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Starts everything, says how to call it, and ends it at Ctrl-C.
pub fn cluster() -> Result<()> {
    let ended = ended()?;
    let build = cargo(["build", "--release", "--locked", "--package", "roster-suite"]);
    run("build", build)?;
    let roster = tools::target().join("release/roster");
    let edges = (0..REPLICAS).map(edge).collect::<Result<_>>()?;
    let cluster = Cluster::start(&roster, edges, Durability::Fleeting)?;
    cluster.ground.tell()?;
    ended.recv()?;
    eprintln!("==> ending");
    Ok(())
}

/// Everything that runs. What is dropped first ends first: the edges, so that
/// nothing is asked of who is gone.
pub struct Cluster {
    services: Vec<Process>,
    brokers: Vec<Process>,
    ground: Ground,
    database: Server,
    _folder: TempDir,
}

impl Cluster {
    /// Starts everything, with the program `roster`, and with edges at `edges`.
    pub fn start(roster: &Path, edges: Vec<SocketAddr>, durability: Durability) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("roster-cluster-").tempdir()?;
        eprintln!("==> PostgreSQL");
        let database = Server::start(durability)?;
        database.create("roster")?;
        let ground = Ground::lay(&folder, roster, &database, edges)?;
        eprintln!("==> {BROKERS} brokers");
        let brokers = ground.brokers()?;
        ground.migrate(roster)?;
        let mut services = ground.services(roster)?;
        services.reverse();
        Ok(Self { services, brokers, ground, database, _folder: folder })
    }

    /// Starts everything with edges at ports that are free, and writes down for
    /// the bench where it is: the answer is the file.
    pub fn for_the_bench(roster: &Path, durability: Durability) -> Result<(Self, PathBuf)> {
        let cluster = Self::start(roster, free(REPLICAS)?, durability)?;
        let mut processes = BTreeMap::from([("postgres", BTreeSet::from([cluster.database.id()]))]);
        for process in cluster.services.iter().chain(&cluster.brokers) {
            let kind = process.name.split('-').next().unwrap_or(&process.name);
            processes.entry(kind).or_default().insert(process.child.id());
        }
        let told = serde_json::json!({
            "edges": cluster.ground.edges,
            "password": cluster.ground.password,
            "database": cluster.ground.database,
            "processes": processes,
        });
        let file = cluster.ground.folder.join("cluster.json");
        secret(&file, &told.to_string())?;
        Ok((cluster, file))
    }
}

/// What the services stand on.
struct Ground {
    folder: PathBuf,
    database: String,
    password: String,
    /// Where clients of each broker connect, and where the others do.
    brokers: Vec<(u16, u16)>,
    /// Where the peers of each service connect.
    peers: Vec<(&'static str, Vec<SocketAddr>)>,
    /// Where clients connect.
    edges: Vec<SocketAddr>,
}

impl Ground {
    fn lay(
        folder: &TempDir,
        roster: &Path,
        database: &Server,
        edges: Vec<SocketAddr>,
    ) -> Result<Self> {
        let folder = folder.path().to_owned();
        let mut make = Command::new(roster);
        make.arg("dev-certs").arg(folder.join("certs"));
        run("certificates", make)?;
        for service in STORING {
            secret(&folder.join(format!("{service}.password")), &drawn()?)?;
        }
        let brokers = free(2 * BROKERS)?;
        let brokers = brokers.chunks(2).map(|pair| (pair[0].port(), pair[1].port())).collect();
        let mut peers = Vec::new();
        for service in STORING {
            peers.push((service, free(REPLICAS)?));
        }
        let database = database.url_of("roster");
        Ok(Self { folder, database, password: drawn()?, brokers, peers, edges })
    }

    fn brokers(&self) -> Result<Vec<Process>> {
        fs::copy(
            root().join("deploy/nats/permissions.conf"),
            self.folder.join("permissions.conf"),
        )?;
        let routes: Vec<_> =
            self.brokers.iter().map(|(_, port)| format!("nats://127.0.0.1:{port}")).collect();
        let mut started = Vec::new();
        for (number, (port, route)) in self.brokers.iter().enumerate() {
            let name = format!("nats-{}", number + 1);
            let store = self.folder.join(&name);
            let settings = format!(
                "server_name: {name}\nlisten: 127.0.0.1:{port}\n\
                 jetstream {{ store_dir: \"{}\" }}\n\
                 cluster {{ name: roster, listen: 127.0.0.1:{route}, routes: {routes:?} }}\n\
                 include \"permissions.conf\"\n",
                store.display()
            );
            let file = self.folder.join(format!("{name}.conf"));
            fs::write(&file, settings)?;
            let mut serve = Command::new(tools::nats_server()?);
            serve.arg("--config").arg(file);
            for service in STORING {
                let password = fs::read_to_string(self.folder.join(format!("{service}.password")))?;
                serve.env(format!("{}_PASSWORD", service.to_uppercase()), password);
            }
            started.push(self.start(&name, serve)?);
        }
        for (port, _) in &self.brokers {
            answers("a broker", SocketAddr::from((Ipv4Addr::LOCALHOST, *port)), &mut started)?;
        }
        Ok(started)
    }

    fn services(&self, roster: &Path) -> Result<Vec<Process>> {
        eprintln!("==> {REPLICAS} processes of each service");
        let mut started = Vec::new();
        for (service, addresses) in &self.peers {
            for (number, address) in addresses.iter().enumerate() {
                let mut serve = self.command(roster, service);
                serve.arg(service).env("ROSTER__PEERS__LISTEN", address.to_string());
                serve.env("ADMIN_PASSWORD", &self.password);
                started.push(self.start(&format!("{service}-{}", number + 1), serve)?);
            }
            for address in addresses {
                answers(service, *address, &mut started)?;
            }
        }
        for (number, address) in self.edges.iter().enumerate() {
            let mut serve = self.command(roster, "gateway");
            serve.arg("gateway").env("ROSTER__LISTEN", address.to_string());
            started.push(self.start(&format!("gateway-{}", number + 1), serve)?);
            answers("the gateway", *address, &mut started)?;
        }
        Ok(started)
    }

    /// A command of `roster` with the settings of a service.
    fn command(&self, roster: &Path, service: &str) -> Command {
        let certs = self.folder.join("certs");
        let mut command = Command::new(roster);
        let listed = |all: Vec<String>| all.join(",");
        command
            .current_dir(&self.folder)
            .env("ROSTER__DATABASE__URL", &self.database)
            .env("ROSTER__SECRETS_FILE", certs.join("secrets.toml"))
            .env("ROSTER__METRICS_LISTEN", "127.0.0.1:0")
            .env("ROSTER__PEERS__CERTIFICATE", certs.join(format!("{service}.pem")))
            .env("ROSTER__PEERS__KEY", certs.join(format!("{service}.key.pem")))
            .env("ROSTER__PEERS__AUTHORITY", certs.join("ca.pem"))
            .env("ROSTER__PEERS__ASSERTION_KEY", certs.join("assertion.secret"))
            .env("ROSTER__PEERS__ASSERTION_KEYS", certs.join("assertion.public"))
            .env("ROSTER__EVENTS__REPLICAS", BROKERS.to_string())
            .env("ROSTER__EVENTS__USER", service)
            .env("ROSTER__EVENTS__PASSWORD_FILE", self.folder.join(format!("{service}.password")));
        let brokers = self.brokers.iter().map(|(port, _)| format!("nats://127.0.0.1:{port}"));
        command.env("ROSTER__EVENTS__SERVERS", listed(brokers.collect()));
        for (peer, addresses) in &self.peers {
            let variable = format!("ROSTER__PEERS__{}", peer.to_uppercase());
            command.env(variable, listed(addresses.iter().map(ToString::to_string).collect()));
        }
        command
    }

    fn migrate(&self, roster: &Path) -> Result<()> {
        let mut command = self.command(roster, "identity");
        command.arg("migrate");
        run("migrate", command)
    }

    fn start(&self, name: &str, mut command: Command) -> Result<Process> {
        let log = fs::File::create(self.folder.join(format!("{name}.log")))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // Ctrl-C is for who started it, who ends the others in their order.
        command.process_group(0);
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Process { name: name.to_owned(), child })
    }

    fn tell(&self) -> Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "Roster, {REPLICAS} processes of each service")?;
        for address in &self.edges {
            writeln!(out, "  address         {address}")?;
        }
        writeln!(out, "  administrator   admin")?;
        writeln!(out, "  password        {}", self.password)?;
        writeln!(out, "  logs            {}", self.folder.display())?;
        writeln!(out, "Ctrl-C ends it.")?;
        Ok(out.flush()?)
    }
}

fn edge(number: usize) -> Result<SocketAddr> {
    let port = FIRST_EDGE + u16::try_from(number)?;
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

/// Ports that are free at this moment, all different.
fn free(count: usize) -> Result<Vec<SocketAddr>> {
    let held: std::io::Result<Vec<_>> =
        (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect();
    Ok(held?.iter().map(TcpListener::local_addr).collect::<std::io::Result<_>>()?)
}

/// A password: 128 random bits.
fn drawn() -> Result<String> {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

fn secret(path: &Path, text: &str) -> Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}

/// Waits until somebody listens at `address`.
fn answers(what: &str, address: SocketAddr, started: &mut [Process]) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(address).is_err() {
        for process in &mut *started {
            if let Some(status) = process.child.try_wait()? {
                bail!("{} has ended ({status}): its log says why", process.name);
            }
        }
        ensure!(Instant::now() < until, "{what} does not answer at {address}");
        pause();
    }
    Ok(())
}

/// Completes at Ctrl-C, and when the process is told to end.
fn ended() -> Result<mpsc::Receiver<()>> {
    let (told, ended) = mpsc::channel();
    ctrlc::set_handler(move || {
        // Nobody listens any more when the end has begun.
        let _late = told.send(());
    })?;
    Ok(ended)
}

#[expect(clippy::disallowed_methods, reason = "other processes are waited for")]
fn pause() {
    thread::sleep(Duration::from_millis(50));
}
