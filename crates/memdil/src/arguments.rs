//! Arguments that several subcommands share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{PathBufValueParser, TypedValueParser};
use memdil_runner::{Experiment, RunOptions, RunnerError, Workers};

use crate::failure::{BadInput, Failure};

/// Which settings.
#[derive(clap::Args)]
pub(crate) struct Settings {
    /// Experiment file (TOML)
    #[arg(long, value_name = "F.toml")]
    config: PathBuf,
    /// Preset of the file to apply
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Change a setting, by its dotted name; can be given many times. A list it is swept over
    /// becomes this one value
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl Settings {
    /// A file with one of its presets.
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

    /// True when a setting was given on the command line.
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

/// Where data sets are looked for.
#[derive(Clone, clap::Args)]
pub(crate) struct DataDirs {
    /// Folder of data sets; can be given many times. Missing data sets are looked up in
    /// $MEMDIL_DATA_DIR, ./data and /usr/share/datasets
    #[arg(long = "data-dir", value_name = "DIR", value_parser = existing_folder())]
    pub(crate) data_dirs: Vec<PathBuf>,
}

/// On what machine, with which files.
#[derive(Clone, clap::Args)]
pub(crate) struct Machine {
    /// cpu or cuda:N
    #[arg(long, default_value = "cpu")]
    pub(crate) device: String,
    #[command(flatten)]
    pub(crate) data: DataDirs,
}

/// How a run is made.
#[derive(Clone, clap::Args)]
pub(crate) struct Running {
    /// Write a checkpoint when so much time has passed since the last one; 0 means after every
    /// batch
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) checkpoint_every: Duration,
    /// Write the metrics for TensorBoard too, into events.out.tfevents.memdil in the run's folder
    #[arg(long)]
    pub(crate) tensorboard: bool,
    #[command(flatten)]
    pub(crate) machine: Machine,
}

/// How worker processes make runs.
#[derive(Clone, clap::Args)]
pub(crate) struct Processes {
    /// Worker processes at a time (default: one a core, or one on a GPU)
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    #[command(flatten)]
    pub(crate) running: Running,
    /// End when standard input closes: the process that started this one has ended
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
    /// Whether a number of processes was given.
    pub(crate) fn has_jobs(&self) -> bool {
        self.jobs.is_some()
    }

    /// Processes at a time: by default one per core, or one on a GPU, whose memory may not hold
    /// more.
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

/// The file of this program, which workers run too.
pub(crate) fn own_program() -> Result<PathBuf, Failure> {
    std::env::current_exe()
        .map_err(|error| Failure::inside(format!("cannot find this program's own file: {error}")))
}

/// Takes the path of a folder that is there.
pub(crate) fn existing_folder() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match path.metadata() {
        Ok(found) if found.is_dir() => Ok(path),
        Ok(_) => Err("is not a folder; give the path of a folder"),
        Err(_) => Err("there is no such folder; make it, or correct the path"),
    })
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "must be a number of seconds, at least 0".to_owned())
}

/// Takes the path of a folder that is there or can be made.
pub(crate) fn folder_to_be() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match file_instead_of_folder(&path) {
        None => Ok(path),
        Some(file) => Err(format!(
            "{} is a file, not a folder; give another path",
            file.display()
        )),
    })
}

/// The path itself or what it lies in, where that is there and not a folder.
fn file_instead_of_folder(path: &Path) -> Option<&Path> {
    let nearest = path.ancestors().find_map(|place| {
        let found = place.metadata().ok()?;
        Some((place, found))
    });
    nearest
        .filter(|(_, found)| !found.is_dir())
        .map(|(place, _)| place)
}

/// Refuses a path given with `option` under which no folder can be, before any work is done.
pub(crate) fn check_folder(option: &str, out: &Path) -> Result<(), BadInput> {
    check_place(option, out, out)
}

/// Refuses an output if `folder` is not a folder and cannot become one.
fn check_place(option: &str, out: &Path, folder: &Path) -> Result<(), BadInput> {
    match file_instead_of_folder(folder) {
        None => Ok(()),
        Some(file) => Err(BadInput(format!(
            "{option} {}: {} is a file, not a folder; give another path",
            out.display(),
            file.display()
        ))),
    }
}

/// Refuses a path given with `option` under which no file can be written, before any work is done.
/// The folder that it lies in need not be there.
pub(crate) fn check_file(option: &str, out: &Path) -> Result<(), BadInput> {
    if out.is_dir() {
        return Err(BadInput(format!(
            "{option} {}: is a folder; give the name of a file in it",
            out.display()
        )));
    }
    if out.metadata().is_ok_and(|found| !found.is_file()) {
        return Err(BadInput(format!(
            "{option} {}: is a device or a pipe, not a plain file; give another path",
            out.display()
        )));
    }
    check_place(option, out, out.parent().unwrap_or(out))
}

/// Refuses a file to be written as .npz under another name, given with `option`, or where it cannot
/// be written.
pub(crate) fn check_npz(option: &str, out: &Path) -> Result<(), BadInput> {
    if out.extension().is_none_or(|ending| ending != "npz") {
        return Err(BadInput(format!(
            "{option} {}: is written as .npz; name it so",
            out.display()
        )));
    }
    check_file(option, out)?;
    match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Err(BadInput(format!(
                "{option} {}: there is no folder {}; make it, or correct the path",
                out.display(),
                folder.display()
            )))
        }
        _ => Ok(()),
    }
}
