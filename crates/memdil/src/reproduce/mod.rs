//! `memdil reproduce`: every experiment of a preset, then the report.
//!
//! `experiments` selects the experiment files, `reproduction` defines their commands and output
//! paths, and one of two engines executes the runs: `local` in worker processes on this machine,
//! `cluster` as tasks of a job array. Both write the same report.

mod arguments;
mod cluster;
mod command;
mod experiments;
mod local;
mod reproduction;
mod shell;

pub(crate) use arguments::Arguments;
pub(crate) use command::run;
