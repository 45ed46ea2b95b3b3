//! `memdil reproduce`: every experiment of a preset, then the report.
//!
//! `experiments` selects the experiment files, `reproduction` says what is made of them and where,
//! and one of two engines makes the runs: `local` in worker processes here, `cluster` as tasks
//! of a job array. Both end in the same report.

mod arguments;
mod cluster;
mod command;
mod experiments;
mod local;
mod reproduction;
mod shell;

pub(crate) use arguments::Arguments;
pub(crate) use command::run;
