//! Brokers that vanish with the test.

mod cluster;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::eventually;

pub use cluster::TempBrokers;

const MISSING: &str = "nats-server is not in PATH: `cargo xtask test` fetches it into \
                       target/tools/nats-server";

/// A NATS server with JetStream, on a free port and with a folder of its own,
/// ended and removed when dropped.
#[derive(Debug)]
pub struct TempNats {
    folder: TempDir,
    server: Child,
    port: u16,
}

impl TempNats {
    /// A server that lets everybody do everything.
    pub async fn new() -> Self {
        Self::with("").await
    }

    /// A server with `settings` in its configuration file.
    ///
    /// # Panics
    ///
    /// When the server cannot be started.
    pub async fn with(settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("nats.conf"), settings).expect("a file that can be written");
        // Port 0 is the server's default port, and -1 a free one.
        let server = launch(&folder, "-1");
        let ports = folder.path().join(format!("nats-server_{}.ports", server.id()));
        let mut port = None;
        eventually(async || {
            let text = fs::read_to_string(&ports).unwrap_or_default();
            let url = text.split('"').find(|part| part.starts_with("nats://"));
            port = url.and_then(|url| url.rsplit(':').next()?.parse().ok());
            port.is_some()
        })
        .await;
        Self { folder, server, port: port.expect("a port") }
    }

    /// A server with the `permissions` of an installation in which each of
    /// `participants` has joined, and with a user `observer` who may do
    /// everything; see [`TempNats::password_of`].
    pub async fn guarded(permissions: &str, participants: &[&str]) -> Self {
        Self::with(&settled(permissions, participants)).await
    }

    /// The password of a user of a guarded server.
    #[must_use]
    pub fn password_of(user: &str) -> String {
        format!("{user}-secret")
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    /// The address of that.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Ends it at once, as a lost machine would.
    ///
    /// # Panics
    ///
    /// When it has ended before.
    pub fn kill(&mut self) {
        self.server.kill().expect("a server that runs");
        self.server.wait().expect("a server that ends");
    }

    /// Starts it again at the same place, with nothing of what it had stored.
    ///
    /// # Panics
    ///
    /// When its folder cannot be removed.
    pub fn restart_wiped(&mut self) {
        fs::remove_dir_all(self.folder.path().join("store")).expect("a folder to remove");
        self.server = launch(&self.folder, &self.port.to_string());
    }

    /// Changes its settings, from the next start on.
    ///
    /// # Panics
    ///
    /// When its file cannot be read or written.
    pub fn configure(&self, change: impl FnOnce(String) -> String) {
        let file = self.folder.path().join("nats.conf");
        let settings = fs::read_to_string(&file).expect("a file to read");
        fs::write(file, change(settings)).expect("a file to write");
    }

    /// Starts it again at the same place, with what it had stored.
    pub fn restart(&mut self) {
        self.server = launch(&self.folder, &self.port.to_string());
    }
}

impl Drop for TempNats {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The permissions as an operator makes them up: with passwords, with a user for
/// each participant, and with one who sees to it all.
fn settled(permissions: &str, participants: &[&str]) -> String {
    let template: String = permissions
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("#|"))
        .flat_map(|line| [line, "\n"])
        .collect();
    assert!(template.contains("user: NAME"), "there is no template for participants");
    let joined = participants.iter().map(|name| template.replace("NAME", name));
    let observer = "{ user: observer, password: $observer_PASSWORD }\n".to_owned();
    let users: String = joined.chain([observer]).collect();
    let (before, behind) = permissions.rsplit_once(']').expect("a list of users");
    let mut settled = format!("{before}{users}]{behind}");
    for user in ["IDENTITY", "SESSION", "PERSONA", "observer"].iter().chain(participants) {
        let variable = format!("${user}_PASSWORD");
        assert!(settled.contains(&variable), "nobody is {user}");
        let password = TempNats::password_of(&user.to_lowercase());
        settled = settled.replace(&variable, &format!("\"{password}\""));
    }
    settled
}

fn launch(folder: &TempDir, port: &str) -> Child {
    let path = folder.path();
    let mut command = Command::new("nats-server");
    command.args(["--jetstream", "--addr", "127.0.0.1", "--port", port]);
    command.arg("--store_dir").arg(path.join("store"));
    command.arg("--ports_file_dir").arg(path);
    command.arg("--config").arg(path.join("nats.conf"));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect(MISSING)
}
