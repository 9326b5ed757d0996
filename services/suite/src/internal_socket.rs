//! The Unix socket where services of the same machine ask for API keys.
//! Whoever may open it is let in: its mode is what authenticates.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::{
        fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
        net,
    },
    path::{Path, PathBuf},
};

use axum::Router;
use roster_server::{Limits, metrics::ConnectionMeter, serve};
use tokio::{net::UnixListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{RosterConfig, StartError};

/// A socket that is bound: connections wait in it until they are accepted.
#[derive(Debug)]
pub struct Bound {
    listener: UnixListener,
    file: SocketFile,
}

/// A socket that is served.
#[derive(Debug)]
pub struct InternalSocket {
    stop: CancellationToken,
    serving: JoinHandle<()>,
    file: SocketFile,
}

/// A socket as it is found in its folder.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    /// Device and inode: which of the files that have had this name.
    identity: (u64, u64),
}

impl Bound {
    /// Binds the socket that is configured, if one is.
    pub fn bind(config: &RosterConfig) -> Result<Option<Self>, StartError> {
        let path = &config.internal_socket;
        if path.as_os_str().is_empty() {
            return Ok(None);
        }
        let bound = bind(path);
        let refused = |error| StartError::InternalSocket(path.display().to_string(), error);
        bound.map(Some).map_err(refused)
    }

    /// Serves `local` to whoever connects; `meter` counts them among all
    /// clients.
    pub fn accept(self, local: Router, limits: Limits, meter: ConnectionMeter) -> InternalSocket {
        let Self { listener, file } = self;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let serving = async move {
            let cut = serve(listener, local, limits, meter, stopped).await;
            if cut > 0 {
                tracing::warn!(connections = cut, "drain timed out, local connections were cut");
            }
        };
        tracing::info!(path = %file.path.display(), "internal socket open");
        #[expect(clippy::disallowed_methods, reason = "ended and awaited by stop()")]
        let serving = tokio::spawn(serving);
        InternalSocket { stop, serving, file }
    }
}

impl InternalSocket {
    /// Stops accepting, lets accepted calls end, and removes the socket.
    pub async fn stop(self) {
        self.stop.cancel();
        // An error would say that serving panicked; the panic is logged.
        let _ended = self.serving.await;
        self.file.remove();
    }

    /// Ends everything where it stands; the socket stays, as a killed process
    /// leaves it.
    pub fn cut(self) {
        self.serving.abort();
    }
}

impl SocketFile {
    /// Removes the socket, unless another process has put one in its place.
    fn remove(&self) {
        if identity(&self.path).is_ok_and(|now| now == self.identity) {
            // What is left behind is replaced by the next start.
            let _left = fs::remove_file(&self.path);
        }
    }
}

/// Makes a socket that only its owner can open, at no moment anybody else: it
/// is bound in a folder of its own that is closed to others, and comes to its
/// place when its mode is right. What a killed process has left is replaced.
fn bind(path: &Path) -> io::Result<Bound> {
    make_room(path)?;
    let folder = folder_for(path);
    let draft = folder.join("s");
    // What a start that did not come this far has left.
    for left in [fs::remove_file(&draft), fs::remove_dir(&folder)] {
        if let Err(error) = left
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
    }
    DirBuilder::new().mode(0o700).create(&folder)?;
    let listener = net::UnixListener::bind(&draft)?;
    fs::set_permissions(&draft, Permissions::from_mode(0o600))?;
    let file = SocketFile { path: path.to_owned(), identity: identity(&draft)? };
    fs::rename(&draft, path)?;
    fs::remove_dir(&folder)?;
    listener.set_nonblocking(true)?;
    Ok(Bound { listener: UnixListener::from_std(listener)?, file })
}

/// The folder that a socket is made in, beside its place.
fn folder_for(path: &Path) -> PathBuf {
    let mut folder = path.as_os_str().to_owned();
    folder.push(".making");
    folder.into()
}

/// Refuses a place where something is that must not be replaced: anything but
/// a socket, and a socket that somebody answers at.
fn make_room(path: &Path) -> io::Result<()> {
    let refused = |kind, why| Err(io::Error::new(kind, why));
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            refused(io::ErrorKind::AlreadyExists, "there is something else in its place")
        }
        Ok(_socket) => match net::UnixStream::connect(path) {
            Ok(_answered) => refused(io::ErrorKind::AddrInUse, "another process listens there"),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
            Err(error) => Err(error),
        },
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}
