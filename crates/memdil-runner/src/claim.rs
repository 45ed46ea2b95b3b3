//! Who works on a folder, where processes of many machines see it.
//!
//! On one machine a lock of the operating system says so: it is free the moment its process is gone. Between machines a claim does: the
//! file `claim.1`, which only one process can create, and whose time of change its owner renews. A claim that was not
//! renewed for a while is stale, and is succeeded by `claim.2`, which again only one process can create. An owner that
//! was thought dead finds its claim succeeded, and stops.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

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
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let machine = format!("{} {}", read("/proc/sys/kernel/hostname"), read("/proc/sys/kernel/random/boot_id"));
        Self { machine, renewed: Duration::from_secs(15), stale: Duration::from_secs(120) }
    }
}

/// A folder that this process, and no other, works on.
#[derive(Debug)]
pub(crate) struct Claim {
    folder: PathBuf,
    path: PathBuf,
    text: String,
    lost: Arc<AtomicBool>,
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
        let busy = || RunnerError::Busy { path: folder.to_owned() };
        let mut file = File::create(lock).map_err(|e| write_error(lock, e))?;
        let locked = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => return Err(busy()),
            // A file system without locks: claims are all there is.
            Err(TryLockError::Error(e)) if e.kind() == ErrorKind::Unsupported => false,
            Err(TryLockError::Error(e)) => return Err(write_error(lock, e)),
        };
        let last = newest(folder).map_err(|e| write_error(folder, e))?;
        if let Some((_, path)) = &last {
            // The lock of this machine is ours: whoever held a claim of this machine is gone.
            let ours = locked && fs::read_to_string(path).is_ok_and(|text| is_of(&text, rules));
            if !ours && !is_stale(&mut file, path, rules).map_err(|e| write_error(path, e))? {
                return Err(busy());
            }
        }
        let number = last.map_or(1, |(number, _)| number + 1);
        let path = folder.join(format!("{PREFIX}{number}"));
        let mut created = match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(created) => created,
            Err(e) if e.kind() == ErrorKind::AlreadyExists => return Err(busy()),
            Err(e) => return Err(write_error(&path, e)),
        };
        let text = format!("{}\nprocess {}\n", rules.machine, std::process::id());
        created.write_all(text.as_bytes()).map_err(|e| write_error(&path, e))?;
        for earlier in 1..number {
            let _ = fs::remove_file(folder.join(format!("{PREFIX}{earlier}")));
        }

        let lost = Arc::new(AtomicBool::new(false));
        let (end, ended) = channel();
        let renewing = {
            let (lost, folder, path, text) = (lost.clone(), folder.to_owned(), path.clone(), text.clone());
            let renewed = rules.renewed;
            std::thread::spawn(move || {
                while ended.recv_timeout(renewed) == Err(RecvTimeoutError::Timeout) {
                    match holds(&folder, &path, &text) {
                        // The file that was created, whatever has its name now.
                        Ok(true) => drop(renew(&created, &text)),
                        Ok(false) => return lost.store(true, Ordering::Relaxed),
                        // A file system that is away for a moment: the next time decides.
                        Err(_) => {}
                    }
                }
            })
        };
        let folder = folder.to_owned();
        Ok(Self { folder, path, text, lost, end: Some(end), renewing: Some(renewing), _lock: file })
    }

    /// Whether the folder is still this process's.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Lost`].
    pub(crate) fn check(&self) -> Result<(), RunnerError> {
        if self.lost.load(Ordering::Relaxed) {
            return Err(RunnerError::Lost { path: self.folder.clone() });
        }
        Ok(())
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

/// Whether a process, of this machine or another, works on a folder.
pub(crate) fn is_busy(folder: &Path, lock: &Path, rules: &Rules) -> bool {
    let Ok(mut file) = OpenOptions::new().read(true).write(true).open(lock) else { return false };
    if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        return true;
    }
    match newest(folder) {
        Ok(Some((_, path))) => {
            let other = fs::read_to_string(&path).is_ok_and(|text| !is_of(&text, rules));
            other && !is_stale(&mut file, &path, rules).unwrap_or(true)
        }
        _ => false,
    }
}

const PREFIX: &str = "claim.";

/// The newest claim on a folder and its number.
fn newest(folder: &Path) -> std::io::Result<Option<(u64, PathBuf)>> {
    let mut newest = None;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.parse::<u64>().ok());
        if let Some(number) = number.filter(|number| newest.as_ref().is_none_or(|(most, _)| number > most)) {
            newest = Some((number, entry.path()));
        }
    }
    Ok(newest)
}

fn is_of(text: &str, rules: &Rules) -> bool {
    text.lines().next() == Some(rules.machine.as_str())
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

/// Whether a claim was renewed too long ago, by the clock of the file system alone: what is written to the lock's file has
/// the time of now.
fn is_stale(lock: &mut File, path: &Path, rules: &Rules) -> std::io::Result<bool> {
    renew(lock, ".")?;
    let now = lock.metadata()?.modified()?;
    match fs::metadata(path) {
        Ok(claim) => Ok(now.duration_since(claim.modified()?).is_ok_and(|age| age > rules.stale)),
        // It ended in this moment.
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(true),
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
        Rules { machine: machine.to_owned(), renewed, stale }
    }

    /// Each machine has its own lock, as where a file system keeps them apart.
    fn take(folder: &Path, machine: &str) -> Result<Claim, RunnerError> {
        Claim::take(folder, &folder.join(format!("lock-{machine}")), &rules(machine))
    }

    /// What a process leaves that ends without a word.
    fn die(mut claim: Claim) {
        drop(claim.end.take());
        claim.renewing.take().expect("a thread").join().expect("its end");
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
        assert!(is_busy(folder.path(), &folder.path().join("lock-b"), &rules("b")));
        claim.check().expect("it holds");
        drop(claim);
        assert!(newest(folder.path()).expect("a folder").is_none());
        assert!(!is_busy(folder.path(), &folder.path().join("lock-b"), &rules("b")));
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
        take(folder.path(), "b").expect("a stale claim").check().expect("it holds");
    }

    #[test]
    fn who_was_thought_dead_finds_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let claim = take(folder.path(), "a").expect("a free folder");
        // Another machine has succeeded it.
        fs::write(folder.path().join("claim.2"), "b\n").expect("a claim");
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
            (0..8).map(start).collect::<Vec<_>>().into_iter().map(|thread| thread.join().expect("an end")).collect()
        });
        assert_eq!(taken.iter().flatten().count(), 1);
    }
}
