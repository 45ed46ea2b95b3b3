//! Options of the submission of tasks.

use std::process::Command;

use super::process::output;
use crate::failure::BadInput;
use crate::reproduce::arguments::{Arguments, Engine};
use crate::reproduce::reproduction::Reproduction;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::reproduce) enum Scheduler {
    Slurm,
    HyperQueue,
}

#[derive(Debug)]
pub(in crate::reproduce) struct Cluster {
    pub(in crate::reproduce) scheduler: Scheduler,
    pub(in crate::reproduce) submit: bool,
    /// Arguments of sbatch, such as `--partition=P`.
    pub(in crate::reproduce) arguments: Vec<String>,
    /// Cores per task.
    pub(in crate::reproduce) cpus: u16,
    /// GPUs per task: a number, for Slurm also `type:number`.
    pub(in crate::reproduce) gpus: Option<String>,
    pub(in crate::reproduce) max_parallel: Option<u16>,
}

impl Scheduler {
    /// The program that submits jobs.
    pub(super) fn tool(self) -> &'static str {
        match self {
            Self::Slurm => "sbatch",
            Self::HyperQueue => "hq",
        }
    }
}

impl Cluster {
    /// Reads the arguments; `None` for the local engine.
    pub(in crate::reproduce) fn of(arguments: &Arguments) -> Result<Option<Self>, BadInput> {
        let tasks = &arguments.tasks;
        let scheduler = match arguments.engine {
            Engine::Local => {
                return match tasks.first_given() {
                    None => Ok(None),
                    Some(flag) => Err(BadInput(format!("{flag} is for --engine slurm or hq"))),
                };
            }
            Engine::Slurm => Scheduler::Slurm,
            Engine::Hq => Scheduler::HyperQueue,
        };
        if arguments.processes.has_jobs() {
            return Err(BadInput(
                "--jobs is for --engine local; --max-parallel limits the tasks, --cpus-per-task sets their cores".to_owned(),
            ));
        }
        let cluster = Self {
            scheduler,
            submit: tasks.submit.unwrap_or(true),
            arguments: tasks.for_sbatch(),
            cpus: tasks.cpus_per_task.unwrap_or(1),
            gpus: tasks.gpus_per_task.clone(),
            max_parallel: tasks.max_parallel,
        };
        if scheduler == Scheduler::HyperQueue {
            cluster.check_hyperqueue()?;
        }
        Ok(Some(cluster))
    }

    fn check_hyperqueue(&self) -> Result<(), BadInput> {
        let refused = |reason: &str| Err(BadInput(format!("--engine hq: {reason}")));
        if !self.arguments.is_empty() || self.max_parallel.is_some() {
            return refused(
                "partitions, accounts and limits are set for its workers; leave out these options",
            );
        }
        match &self.gpus {
            Some(gpus) if gpus.parse::<u16>().is_err() => {
                refused("--gpus-per-task must be a number; GPU types are set for its workers")
            }
            _ => Ok(()),
        }
    }

    /// Refuses arguments that cannot be written into a script, and a machine that cannot submit.
    pub(in crate::reproduce) fn check(&self, job: &Reproduction<'_>) -> Result<(), BadInput> {
        let experiments = job.selection.experiments.iter();
        let names = experiments.map(|file| ("experiment", &file.name));
        for (what, name) in names.chain([("preset", &job.arguments.preset)]) {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if !name.chars().all(is_plain) {
                return Err(BadInput(format!(
                    "{what} '{name}': on a cluster, names may only contain letters, digits, '.', '_' and '-'"
                )));
            }
        }
        let out = &job.out;
        if self.scheduler == Scheduler::Slurm && out.to_string_lossy().contains(['"', '\\', '\n']) {
            return Err(BadInput(format!(
                "--out {}: Slurm cannot write logs to a path with \", \\ or a line break; choose another folder",
                out.display()
            )));
        }
        let mut written = self.arguments.iter().chain(&self.gpus);
        if let Some(argument) = written.find(|text| text.contains('\n')) {
            return Err(BadInput(format!(
                "{argument:?}: options of a job must not contain a line break"
            )));
        }
        let machine = job.arguments.machine();
        let folders = machine.data.data_dirs.iter();
        let mut paths = folders.chain(&job.arguments.experiments).chain([out]);
        if let Some(path) = paths.find(|path| path.to_str().is_none()) {
            return Err(BadInput(format!(
                "{}: on a cluster, paths must be UTF-8",
                path.display()
            )));
        }
        if !self.submit {
            return Ok(());
        }
        let tool = self.scheduler.tool();
        match output(Command::new(tool).arg("--version")) {
            Ok(_) => Ok(()),
            Err(error) => Err(BadInput(format!(
                "{tool} cannot be used here ({error}); run this on a machine that submits jobs, or add \
                 --submit=no to write only the scripts"
            ))),
        }
    }
}
