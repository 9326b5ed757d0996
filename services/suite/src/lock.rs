//! One process at a time on a data directory.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    process,
};

const FILE: &str = "roster.lock";

/// Why a data directory could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process works on it.
    #[error("the data directory {folder} is in use by {holder}; stop that first")]
    Held {
        /// The data directory.
        folder: String,
        /// The process, as far as it has said who it is.
        holder: String,
    },
    /// The file could not be written.
    #[error(
        "cannot write to the data directory {0}: it must belong to the user that runs Roster, on \
         a file system that can be written"
    )]
    Io(String, #[source] io::Error),
}

/// The right to work on a data directory, until it is dropped or the process
/// ends, however it ends: the lock belongs to the open file, not to what is
/// written in it. The file stays, because one that is removed while somebody
/// waits for it locks nothing.
#[derive(Debug)]
pub struct DataDirLock {
    file: File,
}

impl Drop for DataDirLock {
    fn drop(&mut self) {
        // A child process that has just been made has the open file, too, until it
        // runs its program, and would keep the lock for as long. What cannot be let
        // go here ends when the file is closed.
        let _closed = self.file.unlock();
    }
}

impl DataDirLock {
    /// Takes the data directory for this process, or says who has it.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let failed = |error| LockError::Io(folder.display().to_string(), error);
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(folder.join(FILE)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let folder = folder.display().to_string();
                return Err(LockError::Held { folder, holder: holder(file) });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        sign(&mut file).map_err(failed)?;
        Ok(Self { file })
    }
}

/// Says in the file who has it: for people, who would otherwise have to look.
fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", process::id())
}

fn holder(mut file: File) -> String {
    let mut text = String::new();
    // Whoever holds it may be about to sign.
    let _unreadable = file.read_to_string(&mut text);
    let pid = text.trim().parse::<u32>();
    pid.map_or_else(|_| "another process".to_owned(), |pid| format!("process {pid}"))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn one_has_it_until_it_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDirLock::take(folder.path()).unwrap();
        let second = DataDirLock::take(folder.path()).unwrap_err();
        let named = format!("in use by process {};", process::id());
        assert!(second.to_string().contains(&named), "{second}");
        drop(first);
        DataDirLock::take(folder.path()).unwrap();
    }

    #[test]
    fn nobody_who_has_the_file_keeps_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDirLock::take(folder.path()).unwrap();
        let _of_a_child = first.file.try_clone().unwrap();
        drop(first);
        DataDirLock::take(folder.path()).unwrap();
    }

    #[test]
    fn what_is_left_of_a_process_that_is_gone_locks_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        fs::write(&file, "4194304999, and something else that was never a number\n").unwrap();
        drop(DataDirLock::take(folder.path()).unwrap());
        assert_eq!(fs::read_to_string(&file).unwrap(), format!("{}\n", process::id()));
        fs::remove_file(&file).unwrap();
        let _lock = DataDirLock::take(folder.path()).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_holder_that_has_not_signed_is_another_process() {
        let folder = tempfile::tempdir().unwrap();
        let _first = DataDirLock::take(folder.path()).unwrap();
        fs::write(folder.path().join(FILE), "").unwrap();
        let second = DataDirLock::take(folder.path()).unwrap_err().to_string();
        assert!(second.contains("in use by another process;"), "{second}");
    }
}
