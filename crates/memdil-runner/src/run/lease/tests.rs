use std::io::{Seek, Write};
use std::sync::Mutex;
use std::time::{Instant, SystemTime};

use super::terms::Clock;
use super::*;

const STALE: Duration = Duration::from_secs(120);
const HALF: Duration = Duration::from_secs(70);

/// A clock that the test advances; written files get its time.
#[derive(Debug)]
struct TestClock(Mutex<SystemTime>);

impl TestClock {
    fn new() -> Arc<Self> {
        let start = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        Arc::new(Self(Mutex::new(start)))
    }

    fn advance(&self, time: Duration) {
        *self.0.lock().expect("a time") += time;
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        *self.0.lock().expect("a time")
    }

    fn pause(&self, _: Duration) {}

    fn write(&self, mut file: &File, text: &str) -> io::Result<()> {
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        file.set_modified(self.now())
    }
}

/// A folder that several machines share.
struct Scene {
    folder: tempfile::TempDir,
    clock: Arc<TestClock>,
    /// Whether all machines share one lock.
    one_lock: bool,
    renewed_every: Duration,
}

impl Scene {
    /// Each machine has its own lock, and leases are renewed only by explicit calls.
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            clock: TestClock::new(),
            one_lock: false,
            renewed_every: Duration::from_secs(3600),
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn terms(&self, machine: &str) -> Terms {
        Terms {
            machine: machine.to_owned(),
            renewed_every: self.renewed_every,
            stale_after: STALE,
            clock: self.clock.clone(),
        }
    }

    fn lock(&self, machine: &str) -> PathBuf {
        let name = if self.one_lock {
            "lock".to_owned()
        } else {
            format!("lock-{machine}")
        };
        self.path().join(name)
    }

    fn acquire(&self, machine: &str) -> Result<Lease, RunnerError> {
        Lease::acquire(self.path(), &self.lock(machine), &self.terms(machine))
    }

    fn is_busy(&self, machine: &str) -> bool {
        is_busy(self.path(), &self.lock(machine), &self.terms(machine))
    }

    /// Whether a machine cannot acquire the folder.
    fn is_refused(&self, machine: &str) -> bool {
        matches!(self.acquire(machine), Err(RunnerError::Busy { .. }))
    }
}

/// Drops a lease but restores its file, as if the process had been killed.
fn die(lease: Lease) {
    let LeaseFile { path, text, .. } = &lease.tenure.file;
    let (path, text) = (path.clone(), text.clone());
    let renewed = renewed(&path);
    drop(lease);
    fs::write(&path, text).expect("a file");
    let file = OpenOptions::new().write(true).open(path).expect("a file");
    file.set_modified(renewed).expect("a file with a time");
}

/// The time of the last renewal of a lease: the modification time of its file.
fn renewed(path: &Path) -> SystemTime {
    path.metadata().expect("a file").modified().expect("a time")
}

/// Waits for an event that another thread causes.
fn wait_until(event: &str, has_happened: impl Fn() -> bool) {
    let began = Instant::now();
    while !has_happened() {
        assert!(began.elapsed().as_secs() < 60, "never: {event}");
        std::thread::yield_now();
    }
}

#[test]
fn a_renewed_lease_holds_and_a_released_lease_is_removed() {
    let scene = Scene::new();
    let lease = scene.acquire("a").expect("a free folder");
    // The sum is longer than the time after which a lease is stale.
    for _ in 0..2 {
        scene.clock.advance(HALF);
        assert_eq!(lease.tenure.renew(), Renewal::Renewed);
    }
    assert!(scene.is_refused("b"));
    assert!(scene.is_refused("a"));
    assert!(scene.is_busy("b"));
    lease.check().expect("it holds");
    drop(lease);
    assert!(newest(scene.path()).expect("a folder").is_none());
    assert!(!scene.is_busy("b"));
    scene.acquire("b").expect("a free folder");
}

#[test]
fn the_same_machine_resumes_at_once_and_another_machine_waits() {
    let scene = Scene::new();
    die(scene.acquire("a").expect("a free folder"));
    assert!(scene.is_refused("b"));
    die(scene.acquire("a").expect("its own"));
    assert!(scene.is_refused("b"));
    scene.clock.advance(2 * HALF);
    let lease = scene.acquire("b").expect("a stale lease");
    lease.check().expect("it holds");
}

#[test]
fn a_lock_kept_for_a_crashed_machine_is_ignored_if_its_lease_is_stale() {
    let scene = Scene {
        one_lock: true,
        ..Scene::new()
    };
    // The lock of a process that has ended, which the server still keeps.
    let kept = File::create(scene.lock("")).expect("a file");
    kept.try_lock().expect("a free lock");
    assert!(scene.is_refused("b"));
    assert!(scene.is_busy("b"));
    let other_lock = scene.path().join("lock-a");
    let lease = Lease::acquire(scene.path(), &other_lock, &scene.terms("a"));
    die(lease.expect("a free folder"));
    assert!(scene.is_refused("b"));
    assert!(scene.is_busy("b"));
    scene.clock.advance(2 * HALF);
    // On the holder's machine, a held lock means that the process still exists, possibly suspended.
    assert!(scene.is_refused("a"));
    assert!(scene.is_busy("a"));
    assert!(!scene.is_busy("b"));
    let lease = scene.acquire("b").expect("a stale lease");
    lease.check().expect("it holds");
    // The server releases the lock. The new lease was acquired without it, and its holder is alive.
    drop(kept);
    assert!(scene.is_refused("b"));
    assert!(scene.is_busy("b"));
    lease.check().expect("it holds");
}

#[test]
fn a_holder_detects_the_loss_of_its_lease() {
    let scene = Scene::new();
    let lease = scene.acquire("a").expect("a free folder");
    let error = || RunnerError::Worker(ErrorKind::Other.into());
    assert!(matches!(lease.explain(error()), RunnerError::Worker(_)));
    // Another machine has taken over the folder.
    fs::write(scene.path().join("claim.2"), "b\n").expect("a lease");
    assert!(matches!(lease.explain(error()), RunnerError::Lost { .. }));
    lease.check().expect("not detected before the next renewal");
    assert_eq!(lease.tenure.renew(), Renewal::Lost);
    assert!(matches!(lease.check(), Err(RunnerError::Lost { .. })));
    drop(lease);
    assert!(scene.path().join("claim.2").exists());
}

#[test]
fn a_suspended_holder_detects_the_loss_at_once() {
    let scene = Scene::new();
    let lease = scene.acquire("a").expect("a free folder");
    fs::write(scene.path().join("claim.2"), "b\n").expect("a lease");
    scene.clock.advance(HALF);
    assert!(matches!(lease.check(), Err(RunnerError::Lost { .. })));
}

#[test]
fn a_thread_renews_the_lease() {
    let scene = Scene {
        renewed_every: Duration::from_millis(1),
        ..Scene::new()
    };
    let lease = scene.acquire("a").expect("a free folder");
    let file = &lease.tenure.file.path;
    // The sum is longer than the time after which a lease is stale.
    for _ in 0..2 {
        scene.clock.advance(HALF);
        let now = scene.clock.now();
        wait_until("the lease is renewed", || renewed(file) == now);
    }
    assert!(scene.is_refused("b"));
    fs::write(scene.path().join("claim.2"), "b\n").expect("a lease");
    wait_until("the holder detects the loss", || lease.check().is_err());
}

#[test]
fn a_folder_with_an_unreadable_lease_is_busy_while_its_lock_is_held() {
    let scene = Scene {
        one_lock: true,
        ..Scene::new()
    };
    fs::write(scene.path().join("claim.1"), [0xff]).expect("a lease that is not text");
    let held = File::create(scene.lock("")).expect("a file");
    held.try_lock().expect("a free lock");
    assert!(scene.is_busy("b"));
    drop(held);
    assert!(!scene.is_busy("b"));
}

#[test]
fn one_of_many_machines_takes_over_a_stale_lease() {
    let scene = Scene::new();
    die(scene.acquire("dead").expect("a free folder"));
    scene.clock.advance(2 * HALF);
    let gate = std::sync::Barrier::new(8);
    let acquired: Vec<Option<Lease>> = std::thread::scope(|scope| {
        let (gate, scene) = (&gate, &scene);
        let start = |i: usize| {
            scope.spawn(move || {
                gate.wait();
                scene.acquire(&format!("m{i}")).ok()
            })
        };
        (0..8)
            .map(start)
            .collect::<Vec<_>>()
            .into_iter()
            .map(|thread| thread.join().expect("an end"))
            .collect()
    });
    assert_eq!(acquired.iter().flatten().count(), 1);
}
