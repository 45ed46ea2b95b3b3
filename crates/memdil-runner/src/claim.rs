//! Who works on a folder, where processes of many machines see it.
//!
//! On one machine a lock of the operating system says so: it is free the moment its process is
//! gone. Between machines a claim does: the file `claim.1`, which only one process can create, and
//! whose time of change its owner renews. A claim that was not renewed for a while is stale, and is
//! succeeded by `claim.2`, which again only one process can create. An owner that was thought dead
//! finds its claim succeeded, and stops.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::RunnerError;
use crate::error::write_error;

/// How claims are kept.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// This machine, as no other is called.
    pub(crate) machine: String,
    /// A claim is renewed so often.
    pub(crate) renewed: Duration,
    /// One that was not for so long is stale.
    pub(crate) stale: Duration,
}

impl Rules {
    pub(crate) fn new() -> Self {
        // A container has a name of its own, and the kernel of its machine.
        let machine = fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .unwrap_or_default()
            .trim()
            .to_owned();
        Self {
            machine,
            renewed: Duration::from_secs(15),
            stale: Duration::from_secs(120),
        }
    }
}

/// A folder that this process, and no other, works on.
#[derive(Debug)]
pub(crate) struct Claim {
    folder: PathBuf,
    path: PathBuf,
    text: String,
    lost: Arc<AtomicBool>,
    /// When it was last seen to hold, in milliseconds since 1970: a process may have stood still
    /// since.
    seen: Arc<AtomicU64>,
    stale: Duration,
    /// Dropped, it ends the thread.
    end: Option<Sender<()>>,
    renewing: Option<JoinHandle<()>>,
    _lock: File,
}

impl Claim {
    /// Claims a folder.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Busy`] when another process works on it; a failed write.
    pub(crate) fn take(folder: &Path, lock: &Path, rules: &Rules) -> Result<Self, RunnerError> {
        let busy = || RunnerError::Busy {
            path: folder.to_owned(),
        };
        let mut file = File::create(lock).map_err(|e| write_error(lock, e))?;
        // Whoever only looks holds the lock for a moment.
        let mut state = try_lock(&file);
        for _ in 0..5 {
            if !matches!(state, Ok(Lock::Elsewhere)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
            state = try_lock(&file);
        }
        let last = newest(folder).map_err(|e| write_error(folder, e))?;
        let locked = match state.map_err(|e| write_error(lock, e))? {
            Lock::Ours => true,
            // A server may keep the lock of a machine that is gone: then that machine's claim,
            // below, decides.
            Lock::Elsewhere
                if last
                    .as_ref()
                    .is_some_and(|(_, path)| is_of_another(path, rules)) =>
            {
                false
            }
            Lock::Elsewhere => return Err(busy()),
            // Claims are all there is.
            Lock::Unsupported => false,
        };
        let mut judged = None;
        if let Some((_, path)) = &last {
            // It may have ended in this moment, and another begun.
            let text = fs::read_to_string(path).map_err(|_| busy())?;
            let ours = locked && ends_with_lock(&text, rules);
            if !ours && !is_stale(&mut file, path, rules).map_err(|e| write_error(path, e))? {
                return Err(busy());
            }
            judged = Some((path.clone(), text));
        }
        let number = last.map_or(1, |(number, _)| number + 1);
        let path = folder.join(format!("{PREFIX}{number}"));
        let mut created = match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(created) => created,
            Err(e) if e.kind() == ErrorKind::AlreadyExists => return Err(busy()),
            Err(e) => return Err(write_error(&path, e)),
        };
        let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let held = if locked { LOCKED } else { "without a lock" };
        let text = format!(
            "{}\nprocess {} on {}\n{held}\n",
            rules.machine,
            std::process::id(),
            name.trim()
        );
        let withdraw = |error| {
            let _ = fs::remove_file(&path);
            error
        };
        // At once on the server: other machines must not find it empty, and a full disk shows here.
        let written = created
            .write_all(text.as_bytes())
            .and_then(|()| created.sync_all());
        written.map_err(|e| withdraw(write_error(&path, e)))?;
        // Between the look and the claim others may have come and gone: what was judged must be
        // what is there, and ours the newest.
        let same = judged.is_none_or(|(path, text)| {
            fs::read_to_string(path).map_or(true, |found| found == text)
        });
        if !same || !holds(folder, &path, &text).unwrap_or(false) {
            return Err(withdraw(busy()));
        }
        for earlier in 1..number {
            let _ = fs::remove_file(folder.join(format!("{PREFIX}{earlier}")));
        }

        let (lost, seen) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(now())),
        );
        let (end, ended) = channel();
        let renewing = {
            let (lost, folder, path, text) =
                (lost.clone(), folder.to_owned(), path.clone(), text.clone());
            let seen = seen.clone();
            let renewed = rules.renewed;
            std::thread::spawn(move || {
                while ended.recv_timeout(renewed) == Err(RecvTimeoutError::Timeout) {
                    match holds(&folder, &path, &text) {
                        // The file that was created, whatever has its name now.
                        Ok(true) => {
                            if renew(&created, &text).is_ok() {
                                seen.store(now(), Ordering::Relaxed);
                            }
                        }
                        Ok(false) => return lost.store(true, Ordering::Relaxed),
                        // A file system that is away for a moment: the next time decides.
                        Err(_) => {}
                    }
                }
            })
        };
        let (folder, stale) = (folder.to_owned(), rules.stale);
        Ok(Self {
            folder,
            path,
            text,
            lost,
            seen,
            stale,
            end: Some(end),
            renewing: Some(renewing),
            _lock: file,
        })
    }

    /// Whether the folder is still this process's.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Lost`].
    pub(crate) fn check(&self) -> Result<(), RunnerError> {
        let age = now().saturating_sub(self.seen.load(Ordering::Relaxed));
        let unsure = u128::from(age) > self.stale.as_millis() / 3;
        if self.lost.load(Ordering::Relaxed) {
            return Err(self.taken_over());
        }
        if unsure { self.check_now() } else { Ok(()) }
    }

    /// As [`check`](Self::check), but asks the file system in any case: before what cannot be taken
    /// back.
    pub(crate) fn check_now(&self) -> Result<(), RunnerError> {
        if holds(&self.folder, &self.path, &self.text).unwrap_or(true) {
            Ok(())
        } else {
            Err(self.taken_over())
        }
    }

    /// Why something could not be written: the folder is another's now, or else the error itself.
    pub(crate) fn explain(&self, error: RunnerError) -> RunnerError {
        self.check_now().err().unwrap_or(error)
    }

    fn taken_over(&self) -> RunnerError {
        RunnerError::Lost {
            path: self.folder.clone(),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(renewing) = self.renewing.take() {
            let _ = renewing.join();
        }
        if holds(&self.folder, &self.path, &self.text).unwrap_or(false) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the claim that a killed process left in a folder. The claim of a running process stays.
pub(crate) fn remove_left(folder: &Path, lock: &Path, rules: &Rules) {
    if newest(folder).is_ok_and(|claim| claim.is_some()) {
        // Claiming the folder removes earlier claims, and dropping the new one removes it too.
        drop(Claim::take(folder, lock, rules));
    }
}

/// Whether a process, of this machine or another, works on a folder.
pub(crate) fn is_busy(folder: &Path, lock: &Path, rules: &Rules) -> bool {
    let Ok(mut file) = OpenOptions::new().read(true).write(true).open(lock) else {
        return false;
    };
    let state = try_lock(&file);
    let elsewhere = matches!(state, Ok(Lock::Elsewhere));
    let Ok(Some((_, path))) = newest(folder) else {
        return elsewhere;
    };
    if elsewhere && !is_of_another(&path, rules) {
        return true;
    }
    let locked = matches!(state, Ok(Lock::Ours));
    let other =
        fs::read_to_string(&path).is_ok_and(|text| !(locked && ends_with_lock(&text, rules)));
    other && !is_stale(&mut file, &path, rules).unwrap_or(true)
}

const PREFIX: &str = "claim.";

/// What the operating system says of a lock.
pub(crate) enum Lock {
    Ours,
    Elsewhere,
    /// A file system without locks.
    Unsupported,
}

/// Locks a file, if it can be.
pub(crate) fn try_lock(file: &File) -> std::io::Result<Lock> {
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

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}

/// The newest claim on a folder and its number.
fn newest(folder: &Path) -> std::io::Result<Option<(u64, PathBuf)>> {
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

fn is_of(text: &str, rules: &Rules) -> bool {
    text.lines().next() == Some(rules.machine.as_str())
}

/// The last line of a claim whose owner has the lock too.
const LOCKED: &str = "with its machine's lock";

/// Whether the owner of a claim is gone when its lock can be had: it is of this machine, and had
/// the lock.
fn ends_with_lock(text: &str, rules: &Rules) -> bool {
    is_of(text, rules) && text.lines().last() == Some(LOCKED)
}

/// Whether a claim was made on another machine than this.
fn is_of_another(path: &Path, rules: &Rules) -> bool {
    fs::read_to_string(path).is_ok_and(|text| !text.is_empty() && !is_of(&text, rules))
}

/// Whether a claim is what it was when it was made, and no other has succeeded it.
fn holds(folder: &Path, path: &Path, text: &str) -> std::io::Result<bool> {
    if newest(folder)?.is_none_or(|(_, newest)| newest != path) {
        return Ok(false);
    }
    match fs::read_to_string(path) {
        Ok(found) => Ok(found == text),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

/// Whether a claim was renewed too long ago, by the clock that gives files their times: what is
/// written to the lock's file has the time of now.
fn is_stale(lock: &mut File, path: &Path, rules: &Rules) -> std::io::Result<bool> {
    renew(lock, ".")?;
    let now = lock.metadata()?.modified()?;
    // Opened, so that a network file system asks its server and not what it remembers.
    match File::open(path).and_then(|claim| claim.metadata()) {
        Ok(claim) => Ok(now
            .duration_since(claim.modified()?)
            .is_ok_and(|age| age > rules.stale)),
        // It ended in this moment: who comes next is not known.
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

/// Writes a file's text again, from its start.
fn renew(mut file: &File, text: &str) -> std::io::Result<()> {
    use std::io::Seek;
    file.rewind()?;
    file.write_all(text.as_bytes())?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(machine: &str) -> Rules {
        let (renewed, stale) = (Duration::from_millis(30), Duration::from_millis(400));
        Rules {
            machine: machine.to_owned(),
            renewed,
            stale,
        }
    }

    /// Each machine has its own lock, as where a file system keeps them apart.
    fn take(folder: &Path, machine: &str) -> Result<Claim, RunnerError> {
        Claim::take(
            folder,
            &folder.join(format!("lock-{machine}")),
            &rules(machine),
        )
    }

    /// What a process leaves that ends without a word.
    fn die(mut claim: Claim) {
        drop(claim.end.take());
        claim
            .renewing
            .take()
            .expect("a thread")
            .join()
            .expect("its end");
        claim.text = "somebody else's".to_owned();
    }

    fn is_busy_error<T: std::fmt::Debug>(result: Result<T, RunnerError>) -> bool {
        matches!(result, Err(RunnerError::Busy { .. }))
    }

    #[test]
    fn a_renewed_claim_holds_and_an_ended_one_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let claim = take(folder.path(), "a").expect("a free folder");
        // Longer than it takes to be stale.
        std::thread::sleep(Duration::from_millis(700));
        assert!(is_busy_error(take(folder.path(), "b")) && is_busy_error(take(folder.path(), "a")));
        assert!(is_busy(
            folder.path(),
            &folder.path().join("lock-b"),
            &rules("b")
        ));
        claim.check().expect("it holds");
        drop(claim);
        assert!(newest(folder.path()).expect("a folder").is_none());
        assert!(!is_busy(
            folder.path(),
            &folder.path().join("lock-b"),
            &rules("b")
        ));
        take(folder.path(), "b").expect("a free folder");
    }

    #[test]
    fn the_same_machine_goes_on_at_once_another_one_waits() {
        let folder = tempfile::tempdir().expect("a folder");
        die(take(folder.path(), "a").expect("a free folder"));
        assert!(is_busy_error(take(folder.path(), "b")));
        die(take(folder.path(), "a").expect("its own"));
        assert!(is_busy_error(take(folder.path(), "b")));
        std::thread::sleep(Duration::from_millis(600));
        take(folder.path(), "b")
            .expect("a stale claim")
            .check()
            .expect("it holds");
    }

    #[test]
    fn a_lock_that_is_kept_for_a_dead_machine_is_passed_over_when_its_claim_is_stale() {
        let folder = tempfile::tempdir().expect("a folder");
        let rules = |machine| Rules {
            stale: Duration::from_secs(3),
            ..rules(machine)
        };
        let take =
            |machine| Claim::take(folder.path(), &folder.path().join("lock"), &rules(machine));
        let is_busy =
            |machine| is_busy(folder.path(), &folder.path().join("lock"), &rules(machine));
        // The lock of who is gone, as a server keeps it.
        let kept = File::create(folder.path().join("lock")).expect("a file");
        kept.try_lock().expect("a free lock");
        assert!(is_busy_error(take("b")) && is_busy("b"));
        die(self::take(folder.path(), "a").expect("a free folder"));
        assert!(is_busy_error(take("b")) && is_busy("b"));
        std::thread::sleep(Duration::from_millis(3300));
        // On its own machine a lock says that its process lives, stopped as it may be.
        assert!(is_busy_error(take("a")) && is_busy("a"));
        assert!(!is_busy("b"));
        let claim = take("b").expect("a stale claim");
        claim.check().expect("it holds");
        // The server lets go of the lock: the claim was taken without, and its owner lives.
        drop(kept);
        assert!(is_busy_error(take("b")) && is_busy("b"));
        claim.check().expect("it holds");
    }

    #[test]
    fn who_was_thought_dead_finds_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let claim = take(folder.path(), "a").expect("a free folder");
        let error = || RunnerError::Worker(ErrorKind::Other.into());
        assert!(matches!(claim.explain(error()), RunnerError::Worker(_)));
        // Another machine has succeeded it.
        fs::write(folder.path().join("claim.2"), "b\n").expect("a claim");
        assert!(matches!(claim.explain(error()), RunnerError::Lost { .. }));
        let mut waited = 0;
        while claim.check().is_ok() {
            assert!(waited < 200, "it never finds out");
            std::thread::sleep(Duration::from_millis(30));
            waited += 1;
        }
        assert!(matches!(claim.check(), Err(RunnerError::Lost { .. })));
        drop(claim);
        assert!(folder.path().join("claim.2").exists());
    }

    #[test]
    fn one_of_many_succeeds_a_stale_claim() {
        let folder = tempfile::tempdir().expect("a folder");
        die(take(folder.path(), "dead").expect("a free folder"));
        std::thread::sleep(Duration::from_millis(600));
        let gate = std::sync::Barrier::new(8);
        let taken: Vec<Option<Claim>> = std::thread::scope(|scope| {
            let (gate, folder) = (&gate, folder.path());
            let start = |i: usize| {
                scope.spawn(move || {
                    gate.wait();
                    take(folder, &format!("m{i}")).ok()
                })
            };
            (0..8)
                .map(start)
                .collect::<Vec<_>>()
                .into_iter()
                .map(|thread| thread.join().expect("an end"))
                .collect()
        });
        assert_eq!(taken.iter().flatten().count(), 1);
    }
}
