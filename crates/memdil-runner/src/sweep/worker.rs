//! The processes of a sweep.

use std::fs::{self, File};
use std::io::Write;
use std::process::{Child, Command, Stdio};

use memdil_records::{ManifestLine, RunFolder, create_dir};

use crate::error::RunnerError;
use crate::run::lease::{self, Terms};
use crate::sweep::options::SweepOptions;

/// A run that is not finished.
pub(crate) struct Job<'a> {
    pub(crate) index: usize,
    pub(crate) line: &'a ManifestLine,
    pub(crate) folder: RunFolder,
}

impl Job<'_> {
    /// Whether a process, of this sweep or another, on this machine or another, works on the run.
    pub(crate) fn is_busy(&self) -> bool {
        lease::is_busy(self.folder.path(), &self.folder.lock(), &Terms::new())
    }

    /// Epochs of the run.
    pub(crate) fn epochs(&self) -> usize {
        self.line.spec.training.epochs
    }

    /// Epochs that a process has written down.
    fn epochs_so_far(&self) -> usize {
        let bytes = fs::read(self.folder.metrics_in_progress()).unwrap_or_default();
        bytes.iter().filter(|&&b| b == b'\n').count()
    }

    /// Run and last line of its log.
    pub(crate) fn failure(&self) -> String {
        let path = self.folder.log();
        let log = fs::read_to_string(&path).unwrap_or_default();
        let last = log
            .lines()
            .next_back()
            .unwrap_or("the process ended without a message");
        format!("{}: {last} (log: {})", self.line.id, path.display())
    }
}

/// A process that makes a run.
pub(crate) struct Worker<'a> {
    pub(crate) job: Job<'a>,
    process: Child,
    /// Epochs that an earlier process made: they do not show how fast this one is.
    pub(crate) before: usize,
}

impl<'a> Worker<'a> {
    /// The worker's standard input stays open as long as this process lives: at its end the worker
    /// stops too.
    pub(crate) fn start(job: Job<'a>, options: &SweepOptions) -> Result<Self, RunnerError> {
        create_dir(job.folder.path())?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(job.folder.log())
            .map_err(RunnerError::Worker)?;
        let (workers, run) = (&options.workers, &options.workers.run);
        let mut command = Command::new(&workers.program);
        command.args(["sweep", "run", "--worker", "--index"]);
        command.arg(job.index.to_string());
        command.args(["--device", &run.device]);
        command.arg("--manifest").arg(&options.manifest);
        command.arg("--out").arg(&options.out);
        command.arg("--checkpoint-every");
        command.arg(run.checkpoint_every.as_secs_f64().to_string());
        if run.tensorboard {
            command.arg("--tensorboard");
        }
        for folder in &run.data_dirs {
            command.arg("--data-dir").arg(folder);
        }
        command.env("RAYON_NUM_THREADS", "1");
        command.stdin(Stdio::piped());
        command.stdout(Stdio::null()).stderr(log);
        let before = job.epochs_so_far();
        let process = command.spawn().map_err(RunnerError::Worker)?;
        Ok(Self {
            job,
            process,
            before,
        })
    }

    pub(crate) fn is_running(&mut self) -> Result<bool, RunnerError> {
        let status = self.process.try_wait().map_err(RunnerError::Worker)?;
        Ok(status.is_none())
    }

    /// Epochs that this process has written down.
    pub(crate) fn epochs(&self) -> usize {
        self.job.epochs_so_far().saturating_sub(self.before)
    }
}

/// Ends the process when its standard input closes: for processes whose parent holds the other end.
pub fn end_with_parent() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ =
            std::io::stderr().write_all(b"error: the process that started this one has ended\n");
        std::process::exit(1);
    });
}
