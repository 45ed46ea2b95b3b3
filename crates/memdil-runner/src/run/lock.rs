//! Locks of the operating system.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::error::{RunnerError, write_error};

/// The state of a lock after an attempt to acquire it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lock {
    /// This process has acquired the lock.
    Ours,
    /// Another process holds the lock.
    Elsewhere,
    /// The file system does not support locks.
    Unsupported,
}

/// Tries to lock a file, without waiting.
pub(crate) fn try_lock(file: &File) -> io::Result<Lock> {
    /// ENOLCK on Linux: the server of a network file system has no lock service.
    const NO_LOCKS: i32 = 37;
    match file.try_lock() {
        Ok(()) => Ok(Lock::Ours),
        Err(TryLockError::WouldBlock) => Ok(Lock::Elsewhere),
        Err(TryLockError::Error(e))
            if e.kind() == ErrorKind::Unsupported || e.raw_os_error() == Some(NO_LOCKS) =>
        {
            Ok(Lock::Unsupported)
        }
        Err(TryLockError::Error(e)) => Err(e),
    }
}

/// Locks the file `path` until the returned file is dropped or the process ends. If another process
/// holds the lock, the error names `folder`.
pub(crate) fn lock(path: &Path, folder: &Path) -> Result<File, RunnerError> {
    let file = File::create(path).map_err(|e| write_error(path, e))?;
    match try_lock(&file).map_err(|e| write_error(path, e))? {
        Lock::Ours | Lock::Unsupported => Ok(file),
        Lock::Elsewhere => Err(RunnerError::Busy {
            path: folder.to_owned(),
        }),
    }
}
