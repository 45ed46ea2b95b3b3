//! When and where leases hold.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Time, as processes and files have it. Tests use one that they set.
pub(crate) trait Clock: Debug + Send + Sync {
    /// The time of this process.
    fn now(&self) -> SystemTime;

    /// Waits.
    fn pause(&self, time: Duration);

    /// Writes a file's text again from its start; the file system notes the time.
    fn write(&self, file: &File, text: &str) -> io::Result<()>;
}

/// The clock of this machine, and those of its file systems.
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

/// The terms of all leases.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// Identifier unique to this machine (kernel boot id).
    pub(crate) machine: String,
    /// Time between renewals.
    pub(crate) renewed_every: Duration,
    /// A lease that was not renewed for longer is stale.
    pub(crate) stale_after: Duration,
    /// What tells the time.
    pub(crate) clock: Arc<dyn Clock>,
}

impl Terms {
    /// Those of this machine.
    pub(crate) fn new() -> Self {
        // The name of a machine is not enough: a container has a name of its own, but the kernel of
        // its machine.
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
