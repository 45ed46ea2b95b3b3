//! Locks of the operating system.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::error::{RunnerError, write_error};

/// What the operating system says of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lock {
    /// This process holds it.
    Ours,
    /// Another process holds it.
    Elsewhere,
    /// The file system has no locks.
    Unsupported,
}

/// Tries to lock a file.
pub(crate) fn try_lock(file: &File) -> io::Result<Lock> {
    /// Linux's ENOLCK: a network file system whose server has no lock service.
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

/// Locks a file for the work in `folder`, until the file is dropped or the process ends.
pub(crate) fn lock(path: &Path, folder: &Path) -> Result<File, RunnerError> {
    let file = File::create(path).map_err(|e| write_error(path, e))?;
    match try_lock(&file).map_err(|e| write_error(path, e))? {
        Lock::Ours | Lock::Unsupported => Ok(file),
        Lock::Elsewhere => Err(RunnerError::Busy {
            path: folder.to_owned(),
        }),
    }
}
