//! Downloading published files (feature `fetch`).
//!
//! A file grows as `<file>.part` beside its place and gets its name only after its SHA-256 has been
//! compared. What an interrupted download left is continued where the server allows it.

mod transfer;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use ureq::http::Uri;

use crate::DataError;
use crate::catalogue::{Published, PublishedFile};
use crate::places::download_folder;
use crate::verify::{FileState, check_file, sha256_of_file};
use transfer::{Failure, transfer};

/// How downloads are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchOptions {
    /// Address of a folder that is tried instead of the published sources; the name of the file is
    /// appended.
    pub mirror: Option<String>,
    /// How long finding the host and connecting to it may each take.
    pub connect_timeout: Duration,
    /// How long the server may send nothing.
    pub stall_timeout: Duration,
    /// How many times one source is tried; 0 counts as 1.
    pub attempts: u32,
    /// The pause before the second attempt at a source; it doubles with each further one.
    pub backoff: Duration,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            mirror: None,
            connect_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(30),
            attempts: 5,
            backoff: Duration::from_secs(1),
        }
    }
}

/// What happens during a download, for whoever shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchEvent<'a> {
    /// The file was there before, and is right.
    AlreadyThere {
        /// Name of the file.
        file: &'a str,
    },
    /// A file of this name was there, but is not the published one: it is kept under another name.
    SetAside {
        /// Name of the file.
        file: &'a str,
        /// Where it is now.
        path: &'a Path,
    },
    /// Another process downloads into the folder: its end is waited for.
    Waiting {
        /// The folder.
        folder: &'a Path,
    },
    /// Bytes have come.
    Progress {
        /// Name of the file.
        file: &'a str,
        /// Bytes that are there.
        done: u64,
        /// Bytes of the whole file.
        total: u64,
        /// Bytes that were there before this attempt began.
        resumed: u64,
    },
    /// An attempt failed; another one follows unless this was the last one.
    Failed {
        /// Name of the file.
        file: &'a str,
        /// The host tried.
        host: &'a str,
        /// What went wrong.
        cause: &'a str,
        /// The pause before this host is tried again; none if it is not.
        again_in: Option<Duration>,
    },
    /// The file is complete, checked and in its place.
    Done {
        /// Name of the file.
        file: &'a str,
    },
}

/// Downloads the files of a data set into [`download_folder`] and returns that folder.
///
/// Files that are there and right are left alone; if all are, nothing is written and no host asked.
///
/// # Errors
/// A mirror that is no address, a folder that cannot be written, a disk that is full, and
/// [`DataError::Download`] if no source gave the published bytes. No wrong or partial file ever
/// lies under the name of the right one.
///
/// ```no_run
/// use memdil_data::catalogue::Published;
/// use memdil_data::fetch::{FetchOptions, fetch};
///
/// let folder = fetch(Published::Mnist, &[], &FetchOptions::default(), &mut |event| eprintln!("{event:?}"))?;
/// assert!(folder.ends_with("mnist"));
/// # Ok::<(), memdil_data::DataError>(())
/// ```
pub fn fetch(
    published: Published,
    data_dirs: &[PathBuf],
    options: &FetchOptions,
    on_event: &mut dyn FnMut(FetchEvent<'_>),
) -> Result<PathBuf, DataError> {
    let folder = download_folder(published, data_dirs);
    fetch_files(published.files(), &folder, options, on_event)?;
    Ok(folder)
}

/// Downloads files of any description into one folder; see [`fetch`].
///
/// # Errors
/// As for [`fetch`].
pub fn fetch_files(
    files: &[PublishedFile<'_>],
    folder: &Path,
    options: &FetchOptions,
    on_event: &mut dyn FnMut(FetchEvent<'_>),
) -> Result<(), DataError> {
    if let Some(mirror) = &options.mirror
        && host(mirror).is_none()
    {
        return Err(DataError::BadUrl {
            url: mirror.clone(),
        });
    }
    // Before the lock, because a folder with all files may be one that this user cannot write.
    let mut wanted = Vec::new();
    for file in files {
        if is_right(file, folder)? {
            on_event(FetchEvent::AlreadyThere { file: file.name });
        } else {
            wanted.push(file);
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(|cause| write_error(folder, cause))?;
    let _lock = lock(folder, on_event)?;
    for file in wanted {
        // Another process may have brought it while the lock was waited for.
        if is_right(file, folder)? {
            on_event(FetchEvent::AlreadyThere { file: file.name });
        } else {
            fetch_file(file, folder, options, on_event)?;
        }
    }
    Ok(())
}

fn is_right(file: &PublishedFile<'_>, folder: &Path) -> Result<bool, DataError> {
    let path = folder.join(file.name);
    if !path.try_exists().map_err(|cause| DataError::Io {
        path: path.clone(),
        cause,
    })? {
        return Ok(false);
    }
    Ok(matches!(
        check_file(file, &path, &mut |_, _, _| ())?,
        FileState::Ok | FileState::ContentOk
    ))
}

/// Keeps other processes out of the folder until the returned file is dropped, or this process
/// ends.
pub(crate) fn lock(
    folder: &Path,
    on_event: &mut dyn FnMut(FetchEvent<'_>),
) -> Result<File, DataError> {
    let path = folder.join(".lock");
    let error = |cause| write_error(&path, cause);
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
        // Some network file systems have no locks. What is then at stake is a download, not its
        // content.
        Err(cause) if cause.kind() != io::ErrorKind::Unsupported => Err(error(cause)),
        _ => Ok(file),
    }
}

/// Tries each source a bounded number of times.
fn fetch_file(
    file: &PublishedFile<'_>,
    folder: &Path,
    options: &FetchOptions,
    on_event: &mut dyn FnMut(FetchEvent<'_>),
) -> Result<(), DataError> {
    let path = folder.join(file.name);
    set_aside(file.name, &path, on_event)?;
    let part = folder.join(format!("{}.part", file.name));
    let sources: Vec<String> = match &options.mirror {
        Some(base) => vec![format!("{}/{}", base.trim_end_matches('/'), file.name)],
        None => file.urls.iter().map(|&url| url.to_owned()).collect(),
    };
    let mut causes = Vec::new();
    for url in &sources {
        let host = host(url).unwrap_or_else(|| url.clone());
        let mut attempt = 0;
        loop {
            attempt += 1;
            let failure = match one_attempt(file, url, &part, options, on_event) {
                Ok(()) => {
                    put_in_place(&part, &path)?;
                    on_event(FetchEvent::Done { file: file.name });
                    return Ok(());
                }
                Err(failure) => failure,
            };
            let (cause, again) = match failure {
                Failure::Here(error) => return Err(error),
                Failure::Source(cause) => (cause, false),
                Failure::Passing(cause) => (cause, attempt < options.attempts),
            };
            let again_in =
                again.then(|| options.backoff.saturating_mul(1 << (attempt - 1).min(16)));
            on_event(FetchEvent::Failed {
                file: file.name,
                host: &host,
                cause: &cause,
                again_in,
            });
            match again_in {
                Some(pause) => thread::sleep(pause),
                None => {
                    causes.push(format!("{host}: {cause}"));
                    break;
                }
            }
        }
    }
    Err(DataError::Download {
        file: file.name.to_owned(),
        causes: if causes.is_empty() {
            "it has no source".to_owned()
        } else {
            causes.join(", ")
        },
        // A mirror that failed is not what to try by hand.
        by_hand: format!(
            "put {} into {} by hand",
            file.urls.first().unwrap_or(&file.name),
            folder.display()
        ),
    })
}

/// Brings the part to its full size and compares its checksum; a part that fails is deleted.
fn one_attempt(
    file: &PublishedFile<'_>,
    url: &str,
    part: &Path,
    options: &FetchOptions,
    on_event: &mut dyn FnMut(FetchEvent<'_>),
) -> Result<(), Failure> {
    let total = file.bytes;
    let resumed = transfer(url, part, total, options, &mut |done, resumed| {
        on_event(FetchEvent::Progress {
            file: file.name,
            done,
            total,
            resumed,
        });
    })?;
    let found = sha256_of_file(part, |_| ()).map_err(Failure::Here)?;
    if found == file.sha256 {
        return Ok(());
    }
    fs::remove_file(part).map_err(|cause| Failure::Here(write_error(part, cause)))?;
    let cause = format!(
        "{} has SHA-256 {found}, not {}, and is deleted",
        file.name, file.sha256
    );
    // Bytes of an older download may be to blame; those of this one are what the source has.
    Err(if resumed > 0 {
        Failure::Passing(cause)
    } else {
        Failure::Source(cause)
    })
}

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
        Err(cause) => return Err(write_error(&aside, cause)),
    }
    Ok(())
}

/// Gives the part, whose bytes are on disk, its name.
pub(crate) fn put_in_place(part: &Path, path: &Path) -> Result<(), DataError> {
    fs::rename(part, path).map_err(|cause| write_error(path, cause))?;
    // The name is on disk when its folder is; where folders cannot be synced, the file is whole all
    // the same.
    if let Some(Ok(folder)) = path.parent().map(File::open) {
        let _ = folder.sync_all();
    }
    Ok(())
}

pub(crate) fn write_error(path: &Path, cause: io::Error) -> DataError {
    DataError::Write {
        path: path.to_owned(),
        cause,
    }
}

/// The host of an address that can be downloaded from.
fn host(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    uri.host()
        .filter(|host| known && !host.is_empty())
        .map(str::to_owned)
}
