//! The parameters of leases: the identity of the machine, the intervals and the clock.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The clock of processes and files; tests replace it to control the time.
pub(crate) trait Clock: Debug + Send + Sync {
    /// The current time of this process.
    fn now(&self) -> SystemTime;

    /// Sleeps.
    fn pause(&self, time: Duration);

    /// Rewrites the text of a file from its start, which updates its modification time.
    fn write(&self, file: &File, text: &str) -> io::Result<()>;
}

/// The clocks of this machine and of its file systems.
#[derive(Debug)]
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn write(&self, mut file: &File, text: &str) -> io::Result<()> {
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        file.sync_data()
    }
}

/// The parameters that all leases share.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// Identifier unique to this machine (kernel boot id).
    pub(crate) machine: String,
    /// Time between renewals.
    pub(crate) renewed_every: Duration,
    /// Time after the last renewal at which a lease becomes stale.
    pub(crate) stale_after: Duration,
    /// The clock.
    pub(crate) clock: Arc<dyn Clock>,
}

impl Terms {
    /// The terms on this machine.
    pub(crate) fn new() -> Self {
        // The host name is unsuitable: containers on one machine have different host names but
        // share the kernel, and so the boot id.
        let machine = fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .unwrap_or_default()
            .trim()
            .to_owned();
        Self {
            machine,
            renewed_every: Duration::from_secs(15),
            stale_after: Duration::from_secs(120),
            clock: Arc::new(SystemClock),
        }
    }
}
