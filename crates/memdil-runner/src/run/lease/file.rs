//! The files of leases in a folder.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::run::lease::terms::Terms;

/// Files are named `claim.N`. The name and the text stay as they are: other machines may run an
/// older version of this program.
const PREFIX: &str = "claim.";

/// The last line of a lease whose holder has its machine's lock too.
const LOCKED: &str = "with its machine's lock";

/// The same line where the holder has no lock.
const NOT_LOCKED: &str = "without a lock";

/// A lease as it was written to its file.
#[derive(Debug)]
pub(crate) struct LeaseFile {
    /// Leases on a folder are counted from one.
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl LeaseFile {
    /// The next lease on a folder, for this process; nothing is written.
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

    /// Reads a lease that [`newest`] found.
    pub(crate) fn read((number, path): (u64, PathBuf)) -> io::Result<Self> {
        let text = fs::read_to_string(&path)?;
        Ok(Self { number, path, text })
    }

    fn is_of_this_machine(&self, terms: &Terms) -> bool {
        self.text.lines().next() == Some(terms.machine.as_str())
    }

    /// Whether its holder is on another machine, so that the lock here says nothing about it.
    pub(crate) fn is_of_another_machine(&self, terms: &Terms) -> bool {
        !self.text.is_empty() && !self.is_of_this_machine(terms)
    }

    /// Whether its holder is gone once its lock is free: it is of this machine and had the lock.
    pub(crate) fn ends_with_lock(&self, terms: &Terms) -> bool {
        self.is_of_this_machine(terms) && self.text.lines().last() == Some(LOCKED)
    }

    /// Whether the file is as it was written, and no newer lease has succeeded it.
    pub(crate) fn holds(&self, folder: &Path) -> io::Result<bool> {
        if newest(folder)?.is_none_or(|(_, newest)| newest != self.path) {
            return Ok(false);
        }
        Ok(self.is_unchanged()? == Some(true))
    }

    /// Whether the file is as it was written; `None` when it is gone.
    pub(crate) fn is_unchanged(&self) -> io::Result<Option<bool>> {
        match fs::read_to_string(&self.path) {
            Ok(found) => Ok(Some(found == self.text)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Whether the last renewal is too long ago, by the clock that gives files their times: the
    /// lock's file, which is written now, has its time of now.
    pub(crate) fn is_stale(&self, lock: &File, terms: &Terms) -> io::Result<bool> {
        terms.clock.write(lock, ".")?;
        let now = lock.metadata()?.modified()?;
        // Opened, so that a network file system asks its server instead of its cache.
        match File::open(&self.path).and_then(|lease| lease.metadata()) {
            Ok(lease) => Ok(now
                .duration_since(lease.modified()?)
                .is_ok_and(|age| age > terms.stale_after)),
            // Released in this moment: it is not known who comes next.
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Removes the leases before it.
    pub(crate) fn remove_earlier(&self, folder: &Path) {
        for earlier in 1..self.number {
            let _ = fs::remove_file(path(folder, earlier));
        }
    }
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{PREFIX}{number}"))
}

/// Number and path of the newest lease on a folder.
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
