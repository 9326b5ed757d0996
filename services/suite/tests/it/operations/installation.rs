//! An installation of real processes, in a folder, as the page describes it.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use roster_testkit::{TempNats, TempPostgres};
use tempfile::TempDir;
use tokio::net::TcpSocket;

use crate::readme::Shell;

/// The services, in the order in which they start.
pub const SERVICES: [&str; 4] = ["identity", "session", "persona", "gateway"];

/// What stands for systemd: it starts a process and waits until that serves, as
/// `Type=notify` would; and it stops one and waits until it is gone.
const SYSTEMD: &str = r#"
systemctl() {
  local what="$1" unit name; shift
  for unit in "$@"; do
    name="${unit#roster@}"
    case "$what" in
      stop) kill -TERM "$(cat "$name.pid")"; wait "$(cat "$name.pid")"; rm "$name.pid" ;;
      start)
        : > "$name.out"
        ( set -a; . "./$name.env"; exec "$ROSTER" "$name" ) > "$name.out" 2>> "$name.log" &
        echo $! > "$name.pid"
        until grep -q '^  address' "$name.out"; do sleep 0.05; done ;;
      restart) systemctl stop "$unit"; systemctl start "$unit" ;;
    esac
  done
}
"#;

pub struct Installation {
    pub folder: TempDir,
    pub shell: Shell,
    pub edge: SocketAddr,
    /// Addresses that nobody else takes.
    _reserved: Vec<TcpSocket>,
    _broker: TempNats,
    _database: TempPostgres,
}

impl Installation {
    /// Makes certificates, settings and tables, and starts a process of each
    /// service.
    pub async fn new(admin_password: &str) -> Self {
        let (database, broker) = (TempPostgres::new().await, TempNats::new().await);
        let folder = tempfile::tempdir().unwrap();
        let url = serde_json::to_value(database.url()).unwrap();
        let mut shell = Shell::new(folder.path());
        shell.run(&format!("ROSTER='{}'", env!("CARGO_BIN_EXE_roster")));
        shell.run(&format!("DATABASE='{}'", url.as_str().unwrap()));
        shell.run(SYSTEMD);
        shell.run("roster dev-certs certs");
        // A name without a folder, as the page has it.
        shell.run("roster secrets secrets.toml");
        let reserved: Vec<_> = SERVICES.iter().map(|_| reserve()).collect();
        let addresses: Vec<_> = reserved.iter().map(|it| it.local_addr().unwrap()).collect();
        for service in SERVICES {
            let text = settings(service, url.as_str().unwrap(), &broker.url(), &addresses);
            fs::write(folder.path().join(format!("{service}.env")), text).unwrap();
        }
        let file = folder.path().join("identity.env");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(file, format!("{text}ADMIN_PASSWORD='{admin_password}'\n")).unwrap();
        let edge = addresses[3];
        let mut made =
            Self { folder, shell, edge, _reserved: reserved, _broker: broker, _database: database };
        made.shell.run("( set -a; . ./identity.env; roster migrate )");
        made.shell.run("systemctl start roster@identity roster@session roster@persona");
        made.shell.run("systemctl start roster@gateway");
        made
    }

    /// What a process answers operators who ask for its metrics.
    pub fn scrape(&self, service: &str) -> String {
        let said = fs::read_to_string(self.folder.path().join(format!("{service}.out"))).unwrap();
        let url = said.lines().find_map(|line| line.trim().strip_prefix("metrics")).unwrap();
        let answer = Command::new("curl").args(["-sf", url.trim()]).output().unwrap();
        String::from_utf8(answer.stdout).unwrap()
    }

    /// What a process has said to its log.
    pub fn log(&self, service: &str) -> String {
        fs::read_to_string(self.folder.path().join(format!("{service}.log"))).unwrap()
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        for service in SERVICES {
            end(&self.folder.path().join(format!("{service}.pid")));
        }
    }
}

/// Ends the process whose id is in a file, if it is there still.
fn end(file: &Path) {
    let Ok(id) = fs::read_to_string(file) else { return };
    let _ended = Command::new("bash").args(["-c", &format!("kill -KILL {id}")]).status();
}

fn reserve() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket
}

fn settings(service: &str, database: &str, broker: &str, addresses: &[SocketAddr]) -> String {
    let own = SERVICES.iter().position(|it| *it == service).unwrap();
    let listen = if service == "gateway" { "LISTEN" } else { "PEERS__LISTEN" };
    let mut settings = vec![
        ("METRICS_LISTEN", "127.0.0.1:0".to_owned()),
        (listen, addresses[own].to_string()),
        ("PEERS__CERTIFICATE", format!("certs/{service}.pem")),
        ("PEERS__KEY", format!("certs/{service}.key.pem")),
        ("PEERS__AUTHORITY", "certs/ca.pem".to_owned()),
        ("PEERS__IDENTITY", addresses[0].to_string()),
        ("PEERS__SESSION", addresses[1].to_string()),
        ("PEERS__PERSONA", addresses[2].to_string()),
    ];
    settings.extend(if service == "gateway" {
        vec![("PEERS__ASSERTION_KEY", "certs/assertion.secret".to_owned())]
    } else {
        vec![
            ("PEERS__ASSERTION_KEYS", "certs/assertion.public".to_owned()),
            ("DATABASE__URL", format!("'{database}'")),
            ("SECRETS_FILE", "secrets.toml".to_owned()),
            ("EVENTS__SERVERS", broker.to_owned()),
        ]
    });
    let line = |(name, value): (&str, String)| format!("ROSTER__{name}={value}\n");
    settings.into_iter().map(line).collect()
}
