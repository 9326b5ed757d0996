//! Brokers that keep the same streams, any of which may be lost.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::MISSING;
use crate::{Port, eventually};

/// NATS servers with JetStream that are one cluster, ended and removed when
/// dropped.
#[derive(Debug)]
pub struct TempBrokers {
    nodes: Vec<Node>,
    _folder: TempDir,
}

#[derive(Debug)]
struct Node {
    port: Port,
    _route: Port,
    /// Where it says how it is.
    monitor: Port,
    settings: PathBuf,
    server: Child,
}

impl TempBrokers {
    /// So many, each with `settings` in its configuration file. They are
    /// starting.
    ///
    /// # Panics
    ///
    /// When they cannot be started.
    #[must_use]
    pub fn new(count: usize, settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ports: Vec<_> = (0..count).map(|_| [(); 3].map(|()| Port::free())).collect();
        let routes: Vec<_> =
            ports.iter().map(|[_, route, _]| format!("nats://{}", route.address)).collect();
        let nodes = ports.into_iter().enumerate().map(|(number, [port, route, monitor])| {
            let name = format!("nats-{number}");
            let text = format!(
                "server_name: {name}\nlisten: {}\nhttp: {}\n\
                 jetstream {{ store_dir: \"{}\" }}\n\
                 cluster {{ name: roster, listen: {}, routes: {routes:?} }}\n{settings}\n",
                port.address,
                monitor.address,
                folder.path().join(&name).display(),
                route.address,
            );
            let settings = folder.path().join(format!("{name}.conf"));
            fs::write(&settings, text).expect("a file that can be written");
            let server = launch(&settings);
            Node { port, _route: route, monitor, settings, server }
        });
        Self { nodes: nodes.collect(), _folder: folder }
    }

    /// Where each of them is.
    pub fn ports(&self) -> impl Iterator<Item = &Port> {
        self.nodes.iter().map(|node| &node.port)
    }

    /// Ends one where it stands.
    ///
    /// # Panics
    ///
    /// When it cannot be ended.
    pub fn kill(&mut self, number: usize) {
        let server = &mut self.nodes[number].server;
        server.kill().expect("a server to end");
        server.wait().expect("a server that has ended");
    }

    /// Starts one again, with what it had stored, where it has ended.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub fn revive(&mut self, number: usize) {
        let node = &mut self.nodes[number];
        if node.server.try_wait().expect("a server of one's own").is_some() {
            node.server = launch(&node.settings);
        }
    }

    /// Tells one to end, and waits until it has.
    ///
    /// # Panics
    ///
    /// When it cannot be ended.
    pub async fn stop(&mut self, number: usize) {
        let server = &mut self.nodes[number].server;
        kill_process(Pid::from_child(server), Signal::TERM).expect("a server to end");
        eventually(async || server.try_wait().expect("a server of one's own").is_some()).await;
    }

    /// Whether one says that all is well with all that it keeps: it has what the
    /// others have.
    pub async fn is_healthy(&self, number: usize) -> bool {
        self.nodes[number].is_healthy().await.unwrap_or(false)
    }
}

impl Node {
    async fn is_healthy(&self) -> io::Result<bool> {
        let mut socket = TcpStream::connect(self.monitor.address).await?;
        socket.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").await?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await?;
        Ok(answer.lines().next().is_some_and(|line| line.contains(" 200 ")))
    }
}

impl Drop for TempBrokers {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            // It may have ended already.
            let _gone = node.server.kill();
            let _gone = node.server.wait();
        }
    }
}

fn launch(settings: &Path) -> Child {
    let mut command = Command::new("nats-server");
    command.arg("--config").arg(settings);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect(MISSING)
}
