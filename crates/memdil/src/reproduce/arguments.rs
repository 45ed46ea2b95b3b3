//! The command line of `memdil reproduce`.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::shell;
use crate::arguments::{Machine, Processes, existing_folder};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    memdil reproduce --preset smoke\n  \
    memdil reproduce --preset standard --only capacity --jobs 4 --dry-run\n  \
    memdil reproduce --preset paper --engine slurm --partition gpu --gpus-per-task 1 --device cuda:0\n\n\
    The experiment files are built into the program. An interrupted reproduction resumes when the command is repeated.")]
pub(crate) struct Arguments {
    /// Preset of the experiments: smoke, quick, standard, standard-full, regime, paper-figure or paper
    #[arg(long, value_name = "NAME", default_value = "quick")]
    pub(super) preset: String,
    /// Run only this experiment of the preset; can be repeated
    #[arg(long, value_name = "NAME")]
    pub(super) only: Vec<String>,
    /// Folder for manifests, runs and report (default: reproduction/PRESET)
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Folder of experiment files to use instead of the built-in ones
    #[arg(long, value_name = "DIR", value_parser = existing_folder())]
    pub(super) experiments: Option<PathBuf>,
    /// List the runs with their estimated time, and run nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) processes: Processes,
    /// Execute the runs in worker processes on this machine, or as a job array on a cluster
    #[arg(long, value_enum, default_value = "local")]
    pub(super) engine: Engine,
    #[command(flatten)]
    pub(super) tasks: TaskArguments,
    /// Run the experiments that need no job array, and write the report of the cluster's runs
    #[arg(long, hide = true)]
    pub(super) report_only: bool,
    /// Command to print in the report
    #[arg(long, hide = true, value_name = "TEXT")]
    shown_as: Option<String>,
}

fn yes_or_no() -> impl TypedValueParser<Value = bool> {
    PossibleValuesParser::new(["yes", "no"]).map(|answer| answer == "yes")
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Engine {
    Local,
    Slurm,
    /// HyperQueue
    Hq,
}

/// Arguments for `--engine slurm` and `--engine hq`.
#[derive(clap::Args)]
#[command(next_help_heading = "Options for --engine slurm and hq")]
pub(super) struct TaskArguments {
    /// Submit the job array, or only write its scripts (default: yes)
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no())]
    pub(super) submit: Option<bool>,
    /// Partition of the jobs (Slurm)
    #[arg(long, value_name = "P")]
    pub(super) partition: Option<String>,
    /// Account of the jobs (Slurm)
    #[arg(long, value_name = "A")]
    pub(super) account: Option<String>,
    /// Time limit of a task (Slurm)
    #[arg(long, value_name = "T")]
    pub(super) time: Option<String>,
    /// Cores per task (default: 1)
    #[arg(long, value_name = "C", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) cpus_per_task: Option<u16>,
    /// GPUs per task: a number, for Slurm also type:number
    #[arg(long, value_name = "G")]
    pub(super) gpus_per_task: Option<String>,
    /// Largest number of concurrent tasks (Slurm)
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) max_parallel: Option<u16>,
    /// Additional argument of sbatch; can be repeated
    #[arg(long, value_name = "X", allow_hyphen_values = true)]
    pub(super) sbatch_arg: Vec<String>,
}

impl Arguments {
    pub(super) fn machine(&self) -> &Machine {
        &self.processes.running.machine
    }

    pub(super) fn out(&self) -> PathBuf {
        let default = || PathBuf::from("reproduction").join(&self.preset);
        self.out.clone().unwrap_or_else(default)
    }

    /// This command, as printed in the report.
    pub(super) fn shown(&self) -> String {
        let own = || {
            let arguments = std::env::args_os().skip(1);
            let words = arguments.map(|word| shell::word(&word.to_string_lossy()));
            let words: Vec<String> = words.collect();
            format!("memdil {}", words.join(" "))
        };
        self.shown_as.clone().unwrap_or_else(own)
    }
}

impl TaskArguments {
    /// The first of these options that was given.
    pub(super) fn first_given(&self) -> Option<&'static str> {
        let given = [
            ("--submit", self.submit.is_some()),
            ("--partition", self.partition.is_some()),
            ("--account", self.account.is_some()),
            ("--time", self.time.is_some()),
            ("--cpus-per-task", self.cpus_per_task.is_some()),
            ("--gpus-per-task", self.gpus_per_task.is_some()),
            ("--max-parallel", self.max_parallel.is_some()),
            ("--sbatch-arg", !self.sbatch_arg.is_empty()),
        ];
        given
            .iter()
            .find(|(_, given)| *given)
            .map(|(flag, _)| *flag)
    }

    /// The arguments of sbatch.
    pub(super) fn for_sbatch(&self) -> Vec<String> {
        let named = [
            ("--partition", &self.partition),
            ("--account", &self.account),
            ("--time", &self.time),
        ];
        let mut arguments = Vec::new();
        for (flag, value) in named {
            arguments.extend(value.iter().map(|value| format!("{flag}={value}")));
        }
        arguments.extend(self.sbatch_arg.iter().cloned());
        arguments
    }
}
