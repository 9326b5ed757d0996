//! The real `roster` process.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

/// A process that serves.
pub struct Process {
    pub address: SocketAddr,
    child: Child,
    /// Kept open: the process may still have something to say.
    _stdout: BufReader<ChildStdout>,
}

impl Process {
    /// Starts one on a data directory, and waits until it serves.
    pub fn start(data_dir: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_roster"))
            .env_clear()
            .env("ROSTER__DATA_DIR", data_dir)
            .env("ROSTER__LISTEN", "127.0.0.1:0")
            .env("ROSTER__METRICS_LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert!(stdout.read_line(&mut line).unwrap() > 0, "the process ended");
            if let Some(address) = line.trim().strip_prefix("address ") {
                break address.trim().parse().unwrap();
            }
        };
        Self { address, child, _stdout: stdout }
    }

    /// Its resident memory, in MiB: files that it has mapped count as far as
    /// they are in use.
    pub fn resident(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        kibibytes / 1024.0
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(mut self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already cannot be killed.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
