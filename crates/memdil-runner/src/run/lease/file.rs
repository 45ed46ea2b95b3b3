//! Lease files in a folder.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::run::lease::terms::Terms;

/// Lease files are named `claim.N`. Neither the name nor the text may change, because other
/// machines may run an older version of this program.
const PREFIX: &str = "claim.";

/// The last line of a lease whose holder also holds the lock.
const LOCKED: &str = "with its machine's lock";

/// The last line of a lease whose holder does not hold the lock.
const NOT_LOCKED: &str = "without a lock";

/// A lease file: its number, its path and the text that was written to it.
#[derive(Debug)]
pub(crate) struct LeaseFile {
    /// The number `N` of `claim.N`, counted from one.
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl LeaseFile {
    /// The lease file with this number for this process; nothing is written.
    pub(crate) fn new(folder: &Path, number: u64, locked: bool, terms: &Terms) -> Self {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let text = format!(
            "{}\nprocess {} on {}\n{}\n",
            terms.machine,
            std::process::id(),
            host.trim(),
            if locked { LOCKED } else { NOT_LOCKED },
        );
        Self {
            number,
            path: path(folder, number),
            text,
        }
    }

    /// Reads the lease file that [`newest`] returned.
    pub(crate) fn read((number, path): (u64, PathBuf)) -> io::Result<Self> {
        let text = fs::read_to_string(&path)?;
        Ok(Self { number, path, text })
    }

    fn is_of_this_machine(&self, terms: &Terms) -> bool {
        self.text.lines().next() == Some(terms.machine.as_str())
    }

    /// Whether the holder is on another machine, so that the lock on this machine need not be its
    /// own. False for an empty file, which has just been created.
    pub(crate) fn is_of_another_machine(&self, terms: &Terms) -> bool {
        !self.text.is_empty() && !self.is_of_this_machine(terms)
    }

    /// Whether a free lock implies that the holder has ended: it is on this machine and held the
    /// lock.
    pub(crate) fn ends_with_lock(&self, terms: &Terms) -> bool {
        self.is_of_this_machine(terms) && self.text.lines().last() == Some(LOCKED)
    }

    /// Whether the file is unchanged and the newest lease of the folder.
    pub(crate) fn holds(&self, folder: &Path) -> io::Result<bool> {
        if newest(folder)?.is_none_or(|(_, newest)| newest != self.path) {
            return Ok(false);
        }
        Ok(self.is_unchanged()? == Some(true))
    }

    /// Whether the file has its original text; `None` if it no longer exists.
    pub(crate) fn is_unchanged(&self) -> io::Result<Option<bool>> {
        match fs::read_to_string(&self.path) {
            Ok(found) => Ok(Some(found == self.text)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Whether the last renewal is too long ago. Both times are modification times, and so come
    /// from the clock of the file system: that of the lease is the last renewal, and that of the
    /// lock file, which is written here, is the current time.
    pub(crate) fn is_stale(&self, lock: &File, terms: &Terms) -> io::Result<bool> {
        terms.clock.write(lock, ".")?;
        let now = lock.metadata()?.modified()?;
        // Opening the file makes a network file system revalidate its cached attributes.
        match File::open(&self.path).and_then(|lease| lease.metadata()) {
            Ok(lease) => Ok(now
                .duration_since(lease.modified()?)
                .is_ok_and(|age| age > terms.stale_after)),
            // The lease was released just now, and another process may already acquire the folder.
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Removes the files of earlier leases.
    pub(crate) fn remove_earlier(&self, folder: &Path) {
        for earlier in 1..self.number {
            let _ = fs::remove_file(path(folder, earlier));
        }
    }
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{PREFIX}{number}"))
}

/// The number and path of the newest lease of a folder.
pub(crate) fn newest(folder: &Path) -> io::Result<Option<(u64, PathBuf)>> {
    let mut newest = None;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX)?.parse::<u64>().ok());
        if let Some(number) =
            number.filter(|number| newest.as_ref().is_none_or(|(most, _)| number > most))
        {
            newest = Some((number, entry.path()));
        }
    }
    Ok(newest)
}
