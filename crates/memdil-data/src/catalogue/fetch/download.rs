//! Downloading missing or wrong files, trying the sources in order.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use super::event::FetchEvent;
use super::folder::{lock, put_in_place, set_aside};
use super::options::FetchOptions;
use super::transfer::{Failure, host, transfer};
use crate::catalogue::places::download_folder;
use crate::catalogue::published::Published;
use crate::catalogue::published_file::PublishedFile;
use crate::catalogue::verify::{check_file, sha256_of_file};
use crate::error::DataError;

/// Downloads the files of a data set into [`download_folder`] and returns that folder.
///
/// Correct files are kept. If all files are correct, nothing is written and no request is sent.
///
/// # Errors
/// If the address of the mirror is invalid, the folder cannot be written or the disk is full; and
/// [`DataError::Download`] if no source delivers the published bytes. A wrong or partial file never
/// has the name of the published one.
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

/// Downloads the described files into one folder; see [`fetch`].
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
    // Check before taking the lock: a complete folder may be read-only for this user.
    let mut wanted = Vec::new();
    for file in files {
        if is_published(file, folder)? {
            on_event(FetchEvent::AlreadyThere { file: file.name });
        } else {
            wanted.push(file);
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(DataError::unwritable(folder))?;
    let _lock = lock(folder, on_event)?;
    for file in wanted {
        // Another process may have downloaded the file while this one waited for the lock.
        if is_published(file, folder)? {
            on_event(FetchEvent::AlreadyThere { file: file.name });
        } else {
            fetch_file(file, folder, options, on_event)?;
        }
    }
    Ok(())
}

fn is_published(file: &PublishedFile<'_>, folder: &Path) -> Result<bool, DataError> {
    let path = folder.join(file.name);
    let exists = path.try_exists().map_err(DataError::unreadable(&path))?;
    Ok(exists && check_file(file, &path, &mut |_, _, _| ())?.is_ok())
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
        for attempt in 1.. {
            let failure = match one_attempt(file, url, &part, options, on_event) {
                Ok(()) => {
                    put_in_place(&part, &path)?;
                    on_event(FetchEvent::Done { file: file.name });
                    return Ok(());
                }
                Err(failure) => failure,
            };
            let (cause, again) = match failure {
                Failure::Local(error) => return Err(error),
                Failure::Source(cause) => (cause, false),
                Failure::Temporary(cause) => (cause, attempt < options.attempts),
            };
            let again_in =
                again.then(|| options.backoff.saturating_mul(1 << (attempt - 1).min(16)));
            on_event(FetchEvent::Failed {
                file: file.name,
                host: &host,
                cause: &cause,
                again_in,
            });
            let Some(pause) = again_in else {
                causes.push(format!("{host}: {cause}"));
                break;
            };
            thread::sleep(pause);
        }
    }
    if causes.is_empty() {
        causes.push("no source is known".to_owned());
    }
    // The remedy names the published address rather than the mirror that failed.
    let first_url = file.urls.first().unwrap_or(&file.name);
    Err(DataError::Download {
        file: file.name.to_owned(),
        causes: causes.join(", "),
        by_hand: format!("put {first_url} into {} by hand", folder.display()),
    })
}

/// Completes the partial file and compares its checksum; a file with a wrong checksum is deleted.
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
    let found = sha256_of_file(part, |_| ()).map_err(Failure::Local)?;
    if found == file.sha256 {
        return Ok(());
    }
    fs::remove_file(part).map_err(|cause| Failure::Local(DataError::unwritable(part)(cause)))?;
    let (name, expected) = (file.name, file.sha256);
    let cause = format!("{name} has SHA-256 {found}, not {expected}, and was deleted");
    // Bytes of an earlier download may have been wrong; a complete download shows that the source
    // has another file.
    let failure = if resumed > 0 {
        Failure::Temporary
    } else {
        Failure::Source
    };
    Err(failure(cause))
}
