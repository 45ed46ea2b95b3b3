//! Reading files, and writing them whole or not at all.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Cursor, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::RecordError;

/// Writes a file through `fill`: to a temporary file beside it, flushed to disk, then renamed over
/// `path`. Where `path` is a link, the file that it leads to is replaced.
///
/// # Errors
///
/// [`RecordError::Write`], also where `path` is a device, a pipe or another thing that is not a plain
/// file, which a rename would replace; the file that stood there before is untouched, the temporary one is
/// removed.
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
            let reason = "there is something that is not a plain file; give another path";
            return Err(std::io::Error::other(reason));
        }
        let mut writer = BufWriter::new(File::create(temporary)?);
        fill(&mut writer)?;
        writer.flush()?;
        writer.get_ref().sync_all()?;
        fs::rename(temporary, &target)?;
        // The rename itself is only on disk once the folder is.
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

/// Writes an archive (`.npz`) as [`write_atomic`] does. It is made in memory before: one that meets
/// a full disk half-way would complain on standard error.
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

/// Writes JSON with line breaks.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), RecordError> {
    write_atomic(path, |writer| {
        serde_json::to_writer_pretty(&mut *writer, value)?;
        writer.write_all(b"\n")
    })
}

/// Writes one JSON value a line.
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

/// What is in a folder.
pub(crate) fn list(folder: &Path) -> Result<Vec<PathBuf>, RecordError> {
    let entries = fs::read_dir(folder).map_err(RecordError::read(folder))?;
    entries
        .map(|entry| Ok(entry.map_err(RecordError::read(folder))?.path()))
        .collect()
}

/// A file that cannot be looked at is an error, not an absent one.
pub(crate) fn exists(path: &Path) -> Result<bool, RecordError> {
    path.try_exists().map_err(RecordError::read(path))
}

/// Removes a file that may be absent.
pub(crate) fn remove(path: &Path) -> Result<(), RecordError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => Err(RecordError::write(path)(cause)),
        _ => Ok(()),
    }
}

/// Removes the temporary files that a process killed while it wrote has left in a folder, of those
/// files for which `is_ours` holds.
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

/// True for the name of a temporary file of [`write_atomic`].
fn is_temporary(path: &Path) -> bool {
    let extension = path.extension().and_then(|ending| ending.to_str());
    let process = extension.and_then(|ending| ending.strip_prefix("tmp"));
    process.is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()))
}

/// Makes a folder and its parents.
///
/// # Errors
///
/// [`RecordError::Write`] naming the folder.
pub fn create_dir(path: &Path) -> Result<(), RecordError> {
    fs::create_dir_all(path).map_err(RecordError::write(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_what_is_not_a_file_stays_what_it_is() {
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
    fn a_failed_write_leaves_the_old_file_and_no_litter() {
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
