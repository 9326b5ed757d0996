//! The real `roster` process, as an operator starts it.

use std::{
    io::{BufRead as _, BufReader, Read},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tonic::transport::{Channel, Endpoint};

use crate::client::Client;

/// How long anything may take before it counts as hanging.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A command that starts `roster` on `folder`/data and a free port, with
/// nothing of this process's environment.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roster"));
    command
        .env_clear()
        .current_dir(folder)
        .env("ROSTER__DATA_DIR", folder.join("data"))
        .env("ROSTER__LISTEN", "127.0.0.1:0")
        .env("ROSTER__METRICS_LISTEN", "127.0.0.1:0");
    command
}

/// How a process ended, and all that it said.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; none where a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A process that runs.
pub struct Roster {
    child: Child,
    lines: Receiver<String>,
    log: Option<JoinHandle<String>>,
    printed: Vec<String>,
}

impl Roster {
    /// Starts a process; see [`Roster::address`] for when it serves.
    pub fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = lines(child.stdout.take().unwrap());
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut all = Vec::new();
            // A pipe that breaks has been read as far as it goes.
            let _broken = stderr.read_to_end(&mut all);
            String::from_utf8_lossy(&all).into_owned()
        });
        Self { child, lines, log: Some(log), printed: Vec::new() }
    }

    /// Starts a process and waits until it serves.
    pub fn start(command: Command) -> Self {
        let mut roster = Self::spawn(command);
        roster.address();
        roster
    }

    /// Where it listens, as it prints it, which it does when it serves.
    pub fn address(&mut self) -> SocketAddr {
        self.printed("address").parse().unwrap()
    }

    /// Whether it has said so yet.
    pub fn serves(&mut self) -> bool {
        self.printed.extend(self.lines.try_iter());
        self.printed.iter().any(|line| line.starts_with("  address "))
    }

    /// The value that is printed behind `name`.
    pub fn printed(&mut self, name: &str) -> String {
        let found = |line: &String| {
            line.strip_prefix("  ")?
                .strip_prefix(name)?
                .strip_prefix(' ')
                .map(str::trim_start)
                .map(str::to_owned)
        };
        if let Some(value) = self.printed.iter().find_map(found) {
            return value;
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let value = found(&line);
                    self.printed.push(line);
                    if let Some(value) = value {
                        return value;
                    }
                }
                Err(error) => {
                    self.kill();
                    panic!("no {name} printed ({error}): {:?}", self.wait());
                }
            }
        }
    }

    /// A client with a connection of its own.
    pub async fn connect(&mut self) -> Client {
        Client::new(self.channel().await)
    }

    /// A connection.
    pub async fn channel(&mut self) -> Channel {
        let address = self.address();
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        endpoint.user_agent("tests/1.0").unwrap().connect().await.unwrap()
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let line = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("bash").args(["-c", &line]).status().unwrap().success());
    }

    /// Ends the process where it stands (SIGKILL).
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Waits until the process has ended.
    pub fn wait(&mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        let hangs = loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.printed.push(line),
                Err(RecvTimeoutError::Disconnected) => break false,
                Err(RecvTimeoutError::Timeout) => break true,
            }
        };
        if hangs {
            self.kill();
        }
        let code = self.child.wait().unwrap().code();
        let stdout: String = self.printed.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        let stderr = self.log.take().map(|log| log.join().unwrap()).unwrap_or_default();
        assert!(!hangs, "the process does not end: {stdout}\n{stderr}");
        Ended { code, stdout, stderr }
    }

    /// Asks the process to end, and waits until it has.
    pub fn stop(&mut self) -> Ended {
        self.signal("TERM");
        self.wait()
    }
}

impl Drop for Roster {
    fn drop(&mut self) {
        // One that has ended already cannot be killed.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Runs a command that ends by itself.
pub fn run(command: Command) -> Ended {
    Roster::spawn(command).wait()
}

/// What comes out of a pipe, line by line.
pub fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (send, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    lines
}
