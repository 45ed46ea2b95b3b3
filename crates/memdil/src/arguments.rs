//! Arguments that several subcommands share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{PathBufValueParser, TypedValueParser};
use memdil_runner::{Experiment, RunOptions, RunnerError, Workers};

use crate::failure::{BadInput, Failure};

/// The settings of an experiment.
#[derive(clap::Args)]
pub(crate) struct Settings {
    /// Experiment file (TOML)
    #[arg(long, value_name = "F.toml")]
    config: PathBuf,
    /// Preset of the file to apply
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Override a setting by its dotted name; can be repeated. If the setting is swept, the value
    /// replaces its list
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl Settings {
    /// The settings of a file with one of its presets, without overrides.
    pub(crate) fn of_preset(config: &Path, preset: &str) -> Self {
        Self {
            config: config.to_owned(),
            preset: Some(preset.to_owned()),
            set: Vec::new(),
        }
    }

    pub(crate) fn config(&self) -> &Path {
        &self.config
    }

    /// Whether a setting was overridden with `--set`.
    pub(crate) fn is_changed(&self) -> bool {
        !self.set.is_empty()
    }

    pub(crate) fn preset(&self) -> Option<&str> {
        self.preset.as_deref()
    }

    pub(crate) fn load(&self) -> Result<Experiment, RunnerError> {
        Experiment::load(&self.config, self.preset.as_deref(), &self.set)
    }
}

/// The folders that are searched for data sets.
#[derive(Clone, clap::Args)]
pub(crate) struct DataDirs {
    /// Folder of data sets; can be repeated. Data sets that are not in it are searched for in
    /// $MEMDIL_DATA_DIR, ./data and /usr/share/datasets
    #[arg(long = "data-dir", value_name = "DIR", value_parser = existing_folder())]
    pub(crate) data_dirs: Vec<PathBuf>,
}

/// The device and the data folders.
#[derive(Clone, clap::Args)]
pub(crate) struct Machine {
    /// Device: cpu or cuda:N
    #[arg(long, default_value = "cpu")]
    pub(crate) device: String,
    #[command(flatten)]
    pub(crate) data: DataDirs,
}

/// Options of training runs.
#[derive(Clone, clap::Args)]
pub(crate) struct Running {
    /// Time between checkpoints; 0 writes one after every batch
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) checkpoint_every: Duration,
    /// Also write the metrics for TensorBoard, to events.out.tfevents.memdil in the run's folder
    #[arg(long)]
    pub(crate) tensorboard: bool,
    #[command(flatten)]
    pub(crate) machine: Machine,
}

/// Options of worker processes that execute runs.
#[derive(Clone, clap::Args)]
pub(crate) struct Processes {
    /// Number of worker processes (default: one per core, or one on a GPU)
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    #[command(flatten)]
    pub(crate) running: Running,
    /// Exit when standard input closes, that is, when the parent process has ended
    #[arg(long, hide = true)]
    pub(crate) worker: bool,
}

impl Machine {
    pub(crate) fn options(&self) -> RunOptions {
        RunOptions::new(&self.device).data_dirs(&*self.data.data_dirs)
    }
}

impl Running {
    pub(crate) fn options(&self) -> RunOptions {
        self.machine
            .options()
            .checkpoint_every(self.checkpoint_every)
            .tensorboard(self.tensorboard)
    }
}

impl Processes {
    /// Whether `--jobs` was given.
    pub(crate) fn has_jobs(&self) -> bool {
        self.jobs.is_some()
    }

    /// Number of concurrent processes: by default one per core, or one on a GPU, whose memory may
    /// be too small for more.
    pub(crate) fn jobs(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        match self.jobs {
            Some(jobs) => jobs.into(),
            None if self.running.machine.device == "cpu" => cores(),
            None => 1,
        }
    }

    pub(crate) fn workers(&self) -> Result<Workers, Failure> {
        let program = own_program()?;
        Ok(Workers::new(program, self.jobs(), self.running.options()))
    }
}

/// The path of this program's executable, which workers run too.
pub(crate) fn own_program() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|error| {
        Failure::inside(format!(
            "cannot find the executable of this program: {error}"
        ))
    })
}

/// Parses the path of an existing folder.
pub(crate) fn existing_folder() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match path.metadata() {
        Ok(found) if found.is_dir() => Ok(path),
        Ok(_) => Err("is not a folder; give the path of a folder"),
        Err(_) => Err("the folder does not exist; create it or correct the path"),
    })
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "must be a number of seconds, at least 0".to_owned())
}

/// Parses the path of a folder that exists or can be created.
pub(crate) fn output_folder() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match obstructing_file(&path) {
        None => Ok(path),
        Some(file) => Err(format!(
            "{} is a file, not a folder; give another path",
            file.display()
        )),
    })
}

/// The path itself or its nearest existing ancestor, if that is not a folder.
fn obstructing_file(path: &Path) -> Option<&Path> {
    let nearest = path.ancestors().find_map(|ancestor| {
        let found = ancestor.metadata().ok()?;
        Some((ancestor, found))
    });
    nearest
        .filter(|(_, found)| !found.is_dir())
        .map(|(ancestor, _)| ancestor)
}

/// Refuses a path, given with `option`, at which no folder can be created. Called before any work
/// is done.
pub(crate) fn check_folder(option: &str, out: &Path) -> Result<(), BadInput> {
    check_creatable(option, out, out)
}

/// Refuses the output `out` if `folder` neither is a folder nor can be created as one.
fn check_creatable(option: &str, out: &Path, folder: &Path) -> Result<(), BadInput> {
    match obstructing_file(folder) {
        None => Ok(()),
        Some(file) => Err(BadInput(format!(
            "{option} {}: {} is a file, not a folder; give another path",
            out.display(),
            file.display()
        ))),
    }
}

/// Refuses a path, given with `option`, at which no file can be written. Called before any work is
/// done. The parent folder need not exist.
pub(crate) fn check_file(option: &str, out: &Path) -> Result<(), BadInput> {
    if out.is_dir() {
        return Err(BadInput(format!(
            "{option} {}: is a folder; give the name of a file in it",
            out.display()
        )));
    }
    if out.metadata().is_ok_and(|found| !found.is_file()) {
        return Err(BadInput(format!(
            "{option} {}: is a device or a pipe, not a regular file; give another path",
            out.display()
        )));
    }
    check_creatable(option, out, out.parent().unwrap_or(out))
}

/// Refuses an output file, given with `option`, that is one of the input files.
pub(crate) fn check_not_input(option: &str, out: &Path, inputs: &[&Path]) -> Result<(), BadInput> {
    let Ok(existing) = out.canonicalize() else {
        return Ok(());
    };
    let is_existing = |input: &Path| input.canonicalize().is_ok_and(|path| path == existing);
    if inputs.iter().any(|input| is_existing(input)) {
        return Err(BadInput(format!(
            "{option} {}: is an input file, which would be overwritten; give another path",
            out.display()
        )));
    }
    Ok(())
}

/// Refuses an output file, given with `option`, whose name does not end in .npz or which cannot be
/// written.
pub(crate) fn check_npz(option: &str, out: &Path) -> Result<(), BadInput> {
    if out.extension().is_none_or(|ending| ending != "npz") {
        return Err(BadInput(format!(
            "{option} {}: the output format is .npz; give a name that ends in .npz",
            out.display()
        )));
    }
    check_file(option, out)?;
    match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Err(BadInput(format!(
                "{option} {}: the folder {} does not exist; create it or correct the path",
                out.display(),
                folder.display()
            )))
        }
        _ => Ok(()),
    }
}
