//! Brokers that vanish with the test.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::eventually;

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

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
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

    /// Gives it other settings, from the next start on.
    ///
    /// # Panics
    ///
    /// When they cannot be written.
    pub fn configure(&self, settings: &str) {
        fs::write(self.folder.path().join("nats.conf"), settings).expect("a file to write");
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

fn launch(folder: &TempDir, port: &str) -> Child {
    let path = folder.path();
    let mut command = Command::new("nats-server");
    command.args(["--jetstream", "--addr", "127.0.0.1", "--port", port]);
    command.arg("--store_dir").arg(path.join("store"));
    command.arg("--ports_file_dir").arg(path);
    command.arg("--config").arg(path.join("nats.conf"));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect(
        "nats-server is not in PATH: `cargo xtask test` fetches it into \
         target/tools/nats-server",
    )
}
