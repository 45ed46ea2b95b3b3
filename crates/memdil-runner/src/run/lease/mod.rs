//! The lease on a folder: which process works on it, where processes of many machines see it.
//!
//! The protocol:
//!
//! 1. **Lock.** A process takes the operating system's lock on the folder's lock file. Between
//!    processes of one machine this decides: the lock is free the moment its process is gone. Some
//!    network file systems have no locks, and some servers keep the lock of a machine that is gone.
//! 2. **Judge.** It looks at the newest lease in the folder, the file `claim.N`. The folder is free
//!    when there is none, when its holder was a process of this machine whose lock is now free, or
//!    when it is stale: not renewed for two minutes, by the clock that gives files their times.
//! 3. **Create.** It creates `claim.1`, or the file after the newest one. Only one process can.
//! 4. **Check.** It looks again: the lease that it has judged must still be there as it was, and its
//!    own must be the newest. If not, it withdraws its own.
//! 5. **Renew.** Every 15 seconds it writes its file again, which changes the file's time.
//! 6. **Stop.** A holder that was thought dead finds a newer lease than its own, and stops.
//! 7. **Release.** At the end it removes its file.

mod file;
mod terms;

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, UNIX_EPOCH};

use crate::error::{RunnerError, write_error};
use crate::run::lease::file::{LeaseFile, newest};
pub(crate) use crate::run::lease::terms::Terms;
use crate::run::lock::{Lock, try_lock};

/// A folder that this process, and no other, works on.
#[derive(Debug)]
pub(crate) struct Lease {
    tenure: Arc<Tenure>,
    /// The thread that renews the lease. It ends when the sender is dropped.
    renewing: Option<(Sender<()>, JoinHandle<()>)>,
    _lock: File,
}

/// What the thread that renews a lease has in common with its holder.
#[derive(Debug)]
struct Tenure {
    folder: PathBuf,
    file: LeaseFile,
    /// The file that was created, whatever file has its name now.
    created: File,
    terms: Terms,
    /// Whether another machine has taken the folder over.
    lost: AtomicBool,
    /// When the lease was last known to hold, in milliseconds since 1970: a process may have been
    /// suspended since.
    seen: AtomicU64,
}

/// Whether a folder is free.
enum Judgement {
    /// It is; the lease was not released by its holder, which is gone.
    Free(Option<LeaseFile>),
    /// Another process works on it.
    Busy,
    /// The newest lease cannot be read. It may have been released in this moment.
    Unreadable,
}

/// What became of a new lease.
enum Creation {
    Created(LeaseFile, File),
    /// Another process was faster.
    Taken,
}

/// What became of the renewal of a lease.
#[derive(Debug, PartialEq, Eq)]
enum Renewal {
    Renewed,
    /// Another machine has taken the folder over.
    Lost,
    /// The file system does not answer: the next renewal decides.
    Unknown,
}

impl Lease {
    /// Acquires a folder.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Busy`] when another process works on it; a failed write.
    pub(crate) fn acquire(folder: &Path, lock: &Path, terms: &Terms) -> Result<Self, RunnerError> {
        let busy = || RunnerError::Busy {
            path: folder.to_owned(),
        };
        let lock_file = File::create(lock).map_err(|e| write_error(lock, e))?;
        let state = lock_patiently(&lock_file, terms).map_err(|e| write_error(lock, e))?;
        let Judgement::Free(left) = judge(folder, &lock_file, state, terms)? else {
            return Err(busy());
        };
        match create(folder, left.as_ref(), state == Lock::Ours, terms)? {
            Creation::Created(file, created) => {
                file.remove_earlier(folder);
                Ok(Self::renewed(folder, (file, created), lock_file, terms))
            }
            Creation::Taken => Err(busy()),
        }
    }

    /// A lease that a thread renews.
    fn renewed(
        folder: &Path,
        (file, created): (LeaseFile, File),
        lock: File,
        terms: &Terms,
    ) -> Self {
        let tenure = Arc::new(Tenure {
            folder: folder.to_owned(),
            file,
            created,
            terms: terms.clone(),
            lost: AtomicBool::new(false),
            seen: AtomicU64::new(milliseconds(terms)),
        });
        let (end, ended) = channel();
        let (renewed, every) = (tenure.clone(), terms.renewed_every);
        let renewing = std::thread::spawn(move || {
            while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout)
                && renewed.renew() != Renewal::Lost
            {}
        });
        Self {
            tenure,
            renewing: Some((end, renewing)),
            _lock: lock,
        }
    }

    /// Whether the folder is still this process's.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Lost`].
    pub(crate) fn check(&self) -> Result<(), RunnerError> {
        let (tenure, terms) = (&self.tenure, &self.tenure.terms);
        if tenure.lost.load(Ordering::Relaxed) {
            return Err(self.taken_over());
        }
        let age = milliseconds(terms).saturating_sub(tenure.seen.load(Ordering::Relaxed));
        let unsure = u128::from(age) > terms.stale_after.as_millis() / 3;
        if unsure { self.check_now() } else { Ok(()) }
    }

    /// As [`check`](Self::check), but always asks the file system: before a step that cannot be
    /// undone.
    pub(crate) fn check_now(&self) -> Result<(), RunnerError> {
        if self.tenure.holds().unwrap_or(true) {
            Ok(())
        } else {
            Err(self.taken_over())
        }
    }

    /// The reason of a failed write: the folder was taken over, or else the error itself.
    pub(crate) fn explain(&self, error: RunnerError) -> RunnerError {
        self.check_now().err().unwrap_or(error)
    }

    fn taken_over(&self) -> RunnerError {
        RunnerError::Lost {
            path: self.tenure.folder.clone(),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some((end, renewing)) = self.renewing.take() {
            drop(end);
            let _ = renewing.join();
        }
        if self.tenure.holds().unwrap_or(false) {
            let _ = fs::remove_file(&self.tenure.file.path);
        }
    }
}

impl Tenure {
    fn holds(&self) -> io::Result<bool> {
        self.file.holds(&self.folder)
    }

    /// Renews the lease, if it still holds.
    fn renew(&self) -> Renewal {
        match self.holds() {
            Ok(true) if self.write().is_ok() => {
                let now = milliseconds(&self.terms);
                self.seen.store(now, Ordering::Relaxed);
                Renewal::Renewed
            }
            Ok(false) => {
                self.lost.store(true, Ordering::Relaxed);
                Renewal::Lost
            }
            Ok(true) | Err(_) => Renewal::Unknown,
        }
    }

    fn write(&self) -> io::Result<()> {
        self.terms.clock.write(&self.created, &self.file.text)
    }
}

/// Removes the lease that a killed process left in a folder. That of a running process stays.
pub(crate) fn remove_left(folder: &Path, lock: &Path, terms: &Terms) {
    if newest(folder).is_ok_and(|lease| lease.is_some()) {
        // Acquiring the folder removes earlier leases, and dropping the new one removes it too.
        drop(Lease::acquire(folder, lock, terms));
    }
}

/// Whether a process, of this machine or another, works on a folder.
pub(crate) fn is_busy(folder: &Path, lock: &Path, terms: &Terms) -> bool {
    let Ok(lock) = OpenOptions::new().read(true).write(true).open(lock) else {
        return false;
    };
    let state = try_lock(&lock).unwrap_or(Lock::Unsupported);
    match judge(folder, &lock, state, terms) {
        Ok(Judgement::Busy) => true,
        Ok(Judgement::Free(_)) => false,
        // Only the lock tells.
        Ok(Judgement::Unreadable) | Err(_) => state == Lock::Elsewhere,
    }
}

/// Locks a file. A process that only looks at it holds the lock for a moment: that is waited for.
fn lock_patiently(file: &File, terms: &Terms) -> io::Result<Lock> {
    for _ in 0..5 {
        match try_lock(file) {
            Ok(Lock::Elsewhere) => terms.clock.pause(Duration::from_millis(50)),
            other => return other,
        }
    }
    try_lock(file)
}

/// Whether a folder is free, by the state of its lock and its newest lease.
fn judge(folder: &Path, lock: &File, state: Lock, terms: &Terms) -> Result<Judgement, RunnerError> {
    let Some(newest) = newest(folder).map_err(|e| write_error(folder, e))? else {
        return Ok(match state {
            Lock::Elsewhere => Judgement::Busy,
            Lock::Ours | Lock::Unsupported => Judgement::Free(None),
        });
    };
    let Ok(lease) = LeaseFile::read(newest) else {
        return Ok(Judgement::Unreadable);
    };
    // A server may keep the lock of a machine that is gone: then that machine's lease decides.
    if state == Lock::Elsewhere && !lease.is_of_another_machine(terms) {
        return Ok(Judgement::Busy);
    }
    let holder_is_gone = state == Lock::Ours && lease.ends_with_lock(terms);
    let is_stale = || {
        lease
            .is_stale(lock, terms)
            .map_err(|e| write_error(&lease.path, e))
    };
    if holder_is_gone || is_stale()? {
        Ok(Judgement::Free(Some(lease)))
    } else {
        Ok(Judgement::Busy)
    }
}

/// Creates the lease after one that was `left` in the folder.
fn create(
    folder: &Path,
    left: Option<&LeaseFile>,
    locked: bool,
    terms: &Terms,
) -> Result<Creation, RunnerError> {
    let number = left.map_or(1, |left| left.number + 1);
    let lease = LeaseFile::new(folder, number, locked, terms);
    let mut options = OpenOptions::new();
    let created = match options.write(true).create_new(true).open(&lease.path) {
        Ok(created) => created,
        Err(e) if e.kind() == ErrorKind::AlreadyExists => return Ok(Creation::Taken),
        Err(e) => return Err(write_error(&lease.path, e)),
    };
    // At once on the server: other machines must not find it empty, and a full disk shows here.
    let written = terms
        .clock
        .write(&created, &lease.text)
        .and_then(|()| created.sync_all());
    if let Err(error) = written {
        let _ = fs::remove_file(&lease.path);
        return Err(write_error(&lease.path, error));
    }
    // Another process may have acquired and released the folder since it was judged.
    let as_judged = left.is_none_or(|left| !matches!(left.is_unchanged(), Ok(Some(false))));
    if as_judged && lease.holds(folder).unwrap_or(false) {
        Ok(Creation::Created(lease, created))
    } else {
        let _ = fs::remove_file(&lease.path);
        Ok(Creation::Taken)
    }
}

/// The time of this process in milliseconds since 1970.
fn milliseconds(terms: &Terms) -> u64 {
    let since = terms.clock.now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests;
