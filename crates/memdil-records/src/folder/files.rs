//! Reading files, and writing them atomically.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Cursor, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::RecordError;

/// Writes a file atomically: `fill` writes to a temporary file in the same folder, which is flushed
/// to disk and renamed to `path`. If `path` is a symbolic link, its target is replaced.
///
/// # Errors
///
/// [`RecordError::Write`]. An existing file at `path` is then unchanged, and the temporary file is
/// removed. A `path` that is not a plain file (a device, a pipe) is an error too, since the rename
/// would replace it.
pub fn write_atomic(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
) -> Result<(), RecordError> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut temporary = target.as_os_str().to_owned();
    temporary.push(format!(".tmp{}", std::process::id()));
    let temporary = Path::new(&temporary);
    let write = || {
        if fs::metadata(&target).is_ok_and(|found| !found.is_file()) {
            let reason = "exists but is not a plain file; choose another path";
            return Err(std::io::Error::other(reason));
        }
        let mut writer = BufWriter::new(File::create(temporary)?);
        fill(&mut writer)?;
        writer.flush()?;
        writer.get_ref().sync_all()?;
        fs::rename(temporary, &target)?;
        // The rename is durable only after the folder has been synced.
        match target.parent().filter(|p| !p.as_os_str().is_empty()) {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(|cause| {
        let _ = fs::remove_file(temporary);
        RecordError::write(path)(cause)
    })
}

/// Writes an archive (`.npz`) with [`write_atomic`]. The archive is built in memory first, because
/// the zip writer prints to standard error if a write fails half-way.
///
/// # Errors
///
/// [`RecordError::Write`].
pub fn write_archive<E: std::error::Error + Send + Sync + 'static>(
    path: &Path,
    fill: impl FnOnce(&mut Cursor<Vec<u8>>) -> Result<(), E>,
) -> Result<(), RecordError> {
    let mut archive = Cursor::new(Vec::new());
    let filled = fill(&mut archive).map_err(std::io::Error::other);
    write_atomic(path, |writer| {
        filled.and_then(|()| writer.write_all(archive.get_ref()))
    })
}

/// Writes pretty-printed JSON.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), RecordError> {
    write_atomic(path, |writer| {
        serde_json::to_writer_pretty(&mut *writer, value)?;
        writer.write_all(b"\n")
    })
}

/// Writes one JSON value per line.
pub(crate) fn write_lines(path: &Path, values: &[impl Serialize]) -> Result<(), RecordError> {
    write_atomic(path, |writer| {
        for value in values {
            serde_json::to_writer(&mut *writer, value)?;
            writer.write_all(b"\n")?;
        }
        Ok(())
    })
}

pub(crate) fn read_text(path: &Path) -> Result<String, RecordError> {
    fs::read_to_string(path).map_err(RecordError::read(path))
}

pub(crate) fn open(path: &Path) -> Result<BufReader<File>, RecordError> {
    let file = File::open(path).map_err(RecordError::read(path))?;
    Ok(BufReader::new(file))
}

/// The paths of the entries of a folder.
pub(crate) fn list(folder: &Path) -> Result<Vec<PathBuf>, RecordError> {
    let entries = fs::read_dir(folder).map_err(RecordError::read(folder))?;
    entries
        .map(|entry| Ok(entry.map_err(RecordError::read(folder))?.path()))
        .collect()
}

/// Like [`Path::exists`], but a path that cannot be checked is an error instead of absent.
pub(crate) fn exists(path: &Path) -> Result<bool, RecordError> {
    path.try_exists().map_err(RecordError::read(path))
}

/// Removes a file if it exists.
pub(crate) fn remove(path: &Path) -> Result<(), RecordError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => Err(RecordError::write(path)(cause)),
        _ => Ok(()),
    }
}

/// Removes the temporary files that killed processes left in a folder, if `is_ours` is true for the
/// path of the finished file.
pub(crate) fn remove_temporary(
    folder: &Path,
    is_ours: impl Fn(&Path) -> bool,
) -> Result<(), RecordError> {
    for path in list(folder)? {
        if is_temporary(&path) && is_ours(&path.with_extension("")) {
            remove(&path)?;
        }
    }
    Ok(())
}

/// True for the path of a temporary file of [`write_atomic`].
fn is_temporary(path: &Path) -> bool {
    let extension = path.extension().and_then(|ending| ending.to_str());
    let process = extension.and_then(|ending| ending.strip_prefix("tmp"));
    process.is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()))
}

/// Creates a folder and its parents.
///
/// # Errors
///
/// [`RecordError::Write`] that names the folder.
pub fn create_dir(path: &Path) -> Result<(), RecordError> {
    fs::create_dir_all(path).map_err(RecordError::write(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn links_are_kept_and_sockets_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_atomic(&link, |writer| writer.write_all(b"new")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");

        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let error = write_atomic(&socket, |writer| writer.write_all(b"new")).unwrap_err();
        assert!(error.to_string().contains("not a plain file"), "{error}");
        assert!(!fs::symlink_metadata(&socket).unwrap().is_file());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_failed_write_keeps_the_old_file_and_removes_the_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomic(&path, |w| w.write_all(b"old")).unwrap();
        let failed = write_atomic(&path, |w| {
            w.write_all(b"half of the new")?;
            Err(std::io::Error::other("disk gone"))
        });
        assert!(matches!(failed, Err(RecordError::Write { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        write_atomic(&path, |w| w.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }
}
