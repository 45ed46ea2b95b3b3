//! The download folder: locking and renaming files.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use super::event::FetchEvent;
use crate::error::DataError;

/// Locks the folder against other processes until the returned file is dropped or this process
/// ends.
pub(crate) fn lock(
    folder: &Path,
    on_event: &mut dyn FnMut(FetchEvent<'_>),
) -> Result<File, DataError> {
    let path = folder.join(".lock");
    let error = DataError::unwritable(&path);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(error)?;
    let locked = match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            on_event(FetchEvent::Waiting { folder });
            file.lock()
        }
        Err(TryLockError::Error(cause)) => Err(cause),
        Ok(()) => Ok(()),
    };
    match locked {
        // Some network file systems do not support locks. Without one, a download may be repeated,
        // but wrong content cannot result.
        Err(cause) if cause.kind() != io::ErrorKind::Unsupported => Err(error(cause)),
        _ => Ok(file),
    }
}

/// Renames a file that is not the published one, so that it is not lost.
pub(crate) fn set_aside(
    name: &str,
    path: &Path,
    on_event: &mut dyn FnMut(FetchEvent<'_>),
) -> Result<(), DataError> {
    let aside = path.with_file_name(format!("{name}.wrong"));
    match fs::rename(path, &aside) {
        Ok(()) => on_event(FetchEvent::SetAside {
            file: name,
            path: &aside,
        }),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => return Err(DataError::unwritable(&aside)(cause)),
    }
    Ok(())
}

/// Renames a complete file, whose bytes have been synced to disk, to its final name.
pub(crate) fn put_in_place(part: &Path, path: &Path) -> Result<(), DataError> {
    fs::rename(part, path).map_err(DataError::unwritable(path))?;
    // Syncing the folder makes the new name durable. On systems that cannot sync folders, the file
    // is complete nevertheless.
    if let Some(Ok(folder)) = path.parent().map(File::open) {
        let _ = folder.sync_all();
    }
    Ok(())
}
