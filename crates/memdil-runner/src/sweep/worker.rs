//! The worker processes of a sweep.

use std::fs::{self, File};
use std::io::Write;
use std::process::{Child, Command, Stdio};

use memdil_records::{ManifestLine, RunFolder, create_dir};

use crate::error::RunnerError;
use crate::run::lease::{self, Terms};
use crate::sweep::options::SweepOptions;

/// An unfinished run of a manifest.
pub(crate) struct Job<'a> {
    pub(crate) index: usize,
    pub(crate) line: &'a ManifestLine,
    pub(crate) folder: RunFolder,
}

impl Job<'_> {
    /// Whether any process on this or another machine works on the run.
    pub(crate) fn is_busy(&self) -> bool {
        lease::is_busy(self.folder.path(), &self.folder.lock(), &Terms::new())
    }

    /// The number of epochs of the run.
    pub(crate) fn epochs(&self) -> usize {
        self.line.spec.training.epochs
    }

    /// The number of epochs in the metrics so far.
    fn epochs_so_far(&self) -> usize {
        let bytes = fs::read(self.folder.metrics_in_progress()).unwrap_or_default();
        bytes.iter().filter(|&&b| b == b'\n').count()
    }

    /// The message of a failed run: its id and the last line of its log.
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

/// A process that trains a run.
pub(crate) struct Worker<'a> {
    pub(crate) job: Job<'a>,
    process: Child,
    /// Epochs of an earlier process, which do not count for the speed of this one.
    pub(crate) before: usize,
}

impl<'a> Worker<'a> {
    /// Starts a worker. Its standard input is a pipe from this process, so that it closes and the
    /// worker exits when this process ends.
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

    /// The number of epochs that this process has completed.
    pub(crate) fn epochs(&self) -> usize {
        self.job.epochs_so_far().saturating_sub(self.before)
    }
}

/// Exits when standard input closes: a worker process ends with its parent, which holds the other
/// end of the pipe.
pub fn end_with_parent() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ =
            std::io::stderr().write_all(b"error: the process that started this one has ended\n");
        std::process::exit(1);
    });
}
