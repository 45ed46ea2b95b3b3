//! Leases: exclusive access to a folder, also between machines that share a file system.
//!
//! A lease is a file `claim.N` in the folder, numbered from 1. Its text names the holder (machine,
//! process, whether it holds the lock), and its modification time is the last renewal. The newest
//! lease, with the largest `N`, is the valid one. The protocol:
//!
//! 1. **Lock.** The process tries to acquire the operating system's lock on the lock file of the
//!    folder. Between processes of one machine the lock alone is decisive, because it is released
//!    as soon as its holder ends. Between machines it is not: some network file systems do not
//!    support locks, and some servers keep the lock of a machine that has crashed.
//! 2. **Judge.** The process reads the newest lease. If there is none, the folder is free unless
//!    another process holds the lock. If there is one, the folder is free if the holder has ended
//!    (it was a process of this machine, it held the lock, and the lock is now acquired), or if the
//!    lease is stale. A lease is stale if it was not renewed for two minutes, by the clock of the
//!    file system. A lock that another process holds makes the folder busy, unless the lease is
//!    that of another machine and stale. A lease that cannot be read makes the folder busy too.
//! 3. **Create.** The process creates `claim.1`, or `claim.N+1` if it judged `claim.N`. Creation is
//!    exclusive, so only one process succeeds. It writes its text and flushes the file to disk.
//! 4. **Verify.** Since step 2 other processes may have acquired and released the folder. The
//!    process therefore checks that the text of the judged lease has not changed and that its own
//!    lease is the newest; otherwise it removes its own file and the folder is busy. If the check
//!    succeeds it holds the lease and removes the files of earlier leases.
//! 5. **Renew.** A thread rewrites the file every 15 seconds, which updates its modification time.
//! 6. **Detect loss.** If the holder was suspended or disconnected for too long, another process
//!    finds the lease stale and creates the next one. The holder detects that its lease is no
//!    longer the newest at the next renewal, and immediately in two cases: if its last renewal is
//!    more than 40 seconds ago, and before a step that cannot be undone. It then stops with
//!    [`RunnerError::Lost`].
//! 7. **Release.** When the work ends, the process removes its file, if its lease still holds.
//!
//! A process that continues after a suspension may still write to its files before the next check.
//! It cannot damage the metrics of its successor, which are a new file; see the module
//! `metrics_file`.

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

/// Exclusive access of this process to a folder, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    tenure: Arc<Tenure>,
    /// The thread that renews the lease. It ends when the sender is dropped.
    renewing: Option<(Sender<()>, JoinHandle<()>)>,
    _lock: File,
}

/// The state that the holder of a lease shares with the thread that renews it.
#[derive(Debug)]
struct Tenure {
    folder: PathBuf,
    file: LeaseFile,
    /// The handle of the created file. It never refers to a later file with the same name.
    created: File,
    terms: Terms,
    /// Whether another machine has taken the folder over.
    lost: AtomicBool,
    /// The time of the last successful renewal, in milliseconds since 1970. An old time means that
    /// the process may have been suspended.
    seen: AtomicU64,
}

/// The result of judging a folder (step 2).
enum Judgement {
    /// The folder is free, possibly with an abandoned lease.
    Free(Option<LeaseFile>),
    /// Another process works on the folder.
    Busy,
    /// The newest lease cannot be read. It may have been released just now.
    Unreadable,
}

/// The result of creating a lease (steps 3 and 4).
enum Creation {
    Created(LeaseFile, File),
    /// Another process has acquired the folder.
    Taken,
}

/// The result of renewing a lease (step 5).
#[derive(Debug, PartialEq, Eq)]
enum Renewal {
    Renewed,
    /// Another machine has taken the folder over.
    Lost,
    /// The file system returned an error; the next renewal decides.
    Unknown,
}

impl Lease {
    /// Acquires the lease on a folder (steps 1 to 4).
    ///
    /// # Errors
    ///
    /// [`RunnerError::Busy`] if another process works on the folder, or a failed write.
    pub(crate) fn acquire(folder: &Path, lock: &Path, terms: &Terms) -> Result<Self, RunnerError> {
        let busy = || RunnerError::Busy {
            path: folder.to_owned(),
        };
        let lock_file = File::create(lock).map_err(|e| write_error(lock, e))?;
        let state = lock_with_retries(&lock_file, terms).map_err(|e| write_error(lock, e))?;
        let Judgement::Free(abandoned) = judge(folder, &lock_file, state, terms)? else {
            return Err(busy());
        };
        match create(folder, abandoned.as_ref(), state == Lock::Ours, terms)? {
            Creation::Created(file, created) => {
                file.remove_earlier(folder);
                Ok(Self::start_renewal(
                    folder,
                    (file, created),
                    lock_file,
                    terms,
                ))
            }
            Creation::Taken => Err(busy()),
        }
    }

    /// Starts the thread that renews a created lease (step 5).
    fn start_renewal(
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
        let (renewer, every) = (tenure.clone(), terms.renewed_every);
        let renewing = std::thread::spawn(move || {
            while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout)
                && renewer.renew() != Renewal::Lost
            {}
        });
        Self {
            tenure,
            renewing: Some((end, renewing)),
            _lock: lock,
        }
    }

    /// Checks that the lease has not been lost (step 6). Reads the file system only if the last
    /// renewal is long ago.
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
        let overdue = u128::from(age) > terms.stale_after.as_millis() / 3;
        if overdue { self.check_now() } else { Ok(()) }
    }

    /// Like [`check`](Self::check), but always reads the file system, for use before a step that
    /// cannot be undone. If the file system returns an error, the lease is assumed to hold.
    pub(crate) fn check_now(&self) -> Result<(), RunnerError> {
        if self.tenure.holds().unwrap_or(true) {
            Ok(())
        } else {
            Err(self.taken_over())
        }
    }

    /// The cause of a failed write: [`RunnerError::Lost`] if the lease was lost, otherwise `error`.
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

    /// Renews the lease if it still holds.
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

/// Removes a lease that a killed process left in a folder; the lease of a running process is kept.
pub(crate) fn remove_abandoned(folder: &Path, lock: &Path, terms: &Terms) {
    if newest(folder).is_ok_and(|lease| lease.is_some()) {
        // Acquiring the folder removes earlier leases, and dropping the new lease removes its file.
        drop(Lease::acquire(folder, lock, terms));
    }
}

/// Whether a process of this or another machine works on a folder.
pub(crate) fn is_busy(folder: &Path, lock: &Path, terms: &Terms) -> bool {
    let Ok(lock) = OpenOptions::new().read(true).write(true).open(lock) else {
        return false;
    };
    let state = try_lock(&lock).unwrap_or(Lock::Unsupported);
    match judge(folder, &lock, state, terms) {
        Ok(Judgement::Busy) => true,
        Ok(Judgement::Free(_)) => false,
        // Without a readable lease, the state of the lock decides.
        Ok(Judgement::Unreadable) | Err(_) => state == Lock::Elsewhere,
    }
}

/// Locks a file. Retries for a short time, because [`is_busy`] in another process briefly holds the
/// lock too.
fn lock_with_retries(file: &File, terms: &Terms) -> io::Result<Lock> {
    for _ in 0..5 {
        match try_lock(file) {
            Ok(Lock::Elsewhere) => terms.clock.pause(Duration::from_millis(50)),
            other => return other,
        }
    }
    try_lock(file)
}

/// Judges whether a folder is free, by the state of its lock and its newest lease (step 2).
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
    // A server may keep the lock of a crashed machine, so the lease of another machine decides.
    if state == Lock::Elsewhere && !lease.is_of_another_machine(terms) {
        return Ok(Judgement::Busy);
    }
    let holder_has_ended = state == Lock::Ours && lease.ends_with_lock(terms);
    let is_stale = || {
        lease
            .is_stale(lock, terms)
            .map_err(|e| write_error(&lease.path, e))
    };
    if holder_has_ended || is_stale()? {
        Ok(Judgement::Free(Some(lease)))
    } else {
        Ok(Judgement::Busy)
    }
}

/// Creates the lease after the `abandoned` one and verifies it (steps 3 and 4).
fn create(
    folder: &Path,
    abandoned: Option<&LeaseFile>,
    locked: bool,
    terms: &Terms,
) -> Result<Creation, RunnerError> {
    let number = abandoned.map_or(1, |lease| lease.number + 1);
    let lease = LeaseFile::new(folder, number, locked, terms);
    let mut options = OpenOptions::new();
    let created = match options.write(true).create_new(true).open(&lease.path) {
        Ok(created) => created,
        Err(e) if e.kind() == ErrorKind::AlreadyExists => return Ok(Creation::Taken),
        Err(e) => return Err(write_error(&lease.path, e)),
    };
    // Flushed at once, so that other machines do not find an empty file and a full disk is
    // detected.
    let written = terms
        .clock
        .write(&created, &lease.text)
        .and_then(|()| created.sync_all());
    if let Err(error) = written {
        let _ = fs::remove_file(&lease.path);
        return Err(write_error(&lease.path, error));
    }
    // Another process may have acquired and released the folder since it was judged, and a third
    // one may have created a new file with the name of the judged lease.
    let as_judged = abandoned.is_none_or(|lease| !matches!(lease.is_unchanged(), Ok(Some(false))));
    if as_judged && lease.holds(folder).unwrap_or(false) {
        Ok(Creation::Created(lease, created))
    } else {
        let _ = fs::remove_file(&lease.path);
        Ok(Creation::Taken)
    }
}

/// The current time in milliseconds since 1970.
fn milliseconds(terms: &Terms) -> u64 {
    let since = terms.clock.now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests;
